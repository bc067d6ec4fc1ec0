-- 005_archives: schema 1.4.0. Which archive files there are, and what is in them.
--
-- Needs 002. Every statement is safe to run twice, in the sqlite3 shell (3.40 and later) and through D1.

-- Archive files: what each holds, and that it was read back. Rows of usage_logs go only after what is deleted equals what stands in one.
CREATE TABLE IF NOT EXISTS archives (
  table_name     TEXT NOT NULL,
  date           TEXT NOT NULL,
  part           INTEGER NOT NULL,  -- from 1 on; a late row of a day that is archived already is in a part of its own
  path           TEXT NOT NULL,
  rows           INTEGER NOT NULL,
  first_id       INTEGER NOT NULL,
  last_id        INTEGER NOT NULL,
  sums           JSON NOT NULL,
  content_bytes  INTEGER NOT NULL,
  content_sha256 TEXT NOT NULL,
  file_bytes     INTEGER NOT NULL,
  file_sha256    TEXT NOT NULL,
  created_at_ms  INTEGER NOT NULL,
  used_at_ms     INTEGER,           -- when the rows that it lets go were gone; NULL: a purge by it has not ended
  PRIMARY KEY (table_name, date, part),
  CONSTRAINT archives_sums CHECK (json_valid(sums)),
  CONSTRAINT archives_rows CHECK (rows > 0 AND first_id <= last_id AND part > 0)
) WITHOUT ROWID;

-- Version and history. The version's row is the newest, because the documented query takes the newest row for the version.
INSERT OR IGNORE INTO schema_metadata (key, value) VALUES ('schema_version', '1.4.0');
UPDATE schema_metadata SET value = '1.4.0', created_at = CURRENT_TIMESTAMP WHERE key = 'schema_version';
INSERT OR IGNORE INTO schema_metadata (key, value, created_at)
SELECT 'last_migration', '005_archives', datetime(created_at, '-1 second') FROM schema_metadata WHERE key = 'schema_version';
UPDATE schema_metadata SET value = '005_archives' WHERE key = 'last_migration';
INSERT OR IGNORE INTO schema_migrations (migration_name, checksum, execution_time_ms) VALUES ('005_archives', '', 0);
