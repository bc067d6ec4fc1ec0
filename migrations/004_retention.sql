-- 004_retention: schema 1.3.0. Whose rows go when, which must stay, and what a retention run waits for.
--
-- Needs 002. Every statement is safe to run twice, in the sqlite3 shell (3.40 and later) and through D1.

-- Other terms for one user: the period after which their rows of one table may go, in place of the policy's.
CREATE TABLE IF NOT EXISTS retention_overrides (
  user_id    TEXT NOT NULL,
  table_name TEXT NOT NULL,
  period_ms  INTEGER,  -- NULL: never
  PRIMARY KEY (table_name, user_id),
  CONSTRAINT retention_overrides_period CHECK (period_ms > 0)
) WITHOUT ROWID;

-- Rows that must not be deleted, whatever their age: all that match, NULL meaning any. Every deleting statement asks this table itself.
-- A hold is released, not deleted, so that what was held, when and why stays on record.
CREATE TABLE IF NOT EXISTS retention_holds (
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id        TEXT,
  table_name     TEXT,
  from_date      TEXT,     -- YYYY-MM-DD, the first day held
  through_date   TEXT,     -- YYYY-MM-DD, the last day held
  reason         TEXT NOT NULL,
  created_at_ms  INTEGER NOT NULL,
  ends_at_ms     INTEGER,  -- NULL: until it is released
  released_at_ms INTEGER,
  CONSTRAINT retention_holds_reason CHECK (trim(reason) <> ''),
  CONSTRAINT retention_holds_dates CHECK (
    (from_date IS NULL OR date(from_date) IS from_date) AND (through_date IS NULL OR date(through_date) IS through_date)
    AND COALESCE(from_date <= through_date, 1)
  )
);

-- What the last retention run found for each table, and what was approved. A run that would remove an unusual share, or whose period became
-- shorter, waits until somebody has approved it.
CREATE TABLE IF NOT EXISTS retention_state (
  table_name         TEXT PRIMARY KEY NOT NULL,
  period_ms          INTEGER,            -- that the last run went by; NULL: for ever
  ran_at_ms          INTEGER NOT NULL,
  removed            INTEGER NOT NULL DEFAULT 0,  -- rows, by the last run
  note               TEXT NOT NULL DEFAULT '',    -- why it did nothing, or what still waits
  is_waiting         INTEGER NOT NULL DEFAULT 0,  -- 1: for an approval
  approved_at_ms     INTEGER,
  approved_period_ms INTEGER,
  CONSTRAINT retention_state_flags CHECK (is_waiting IN (0, 1))
) WITHOUT ROWID;

-- Version and history. The version's row is the newest, because the documented query takes the newest row for the version.
INSERT OR IGNORE INTO schema_metadata (key, value) VALUES ('schema_version', '1.3.0');
UPDATE schema_metadata SET value = '1.3.0', created_at = CURRENT_TIMESTAMP WHERE key = 'schema_version';
INSERT OR IGNORE INTO schema_metadata (key, value, created_at)
SELECT 'last_migration', '004_retention', datetime(created_at, '-1 second') FROM schema_metadata WHERE key = 'schema_version';
UPDATE schema_metadata SET value = '004_retention' WHERE key = 'last_migration';
INSERT OR IGNORE INTO schema_migrations (migration_name, checksum, execution_time_ms) VALUES ('004_retention', '', 0);
