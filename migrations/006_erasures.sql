-- 006_erasures: schema 1.5.0. Whose erasure is under way, and what those that have ended did.
--
-- Needs 005. Every statement is safe to run twice, in the sqlite3 shell (3.40 and later) and through D1.

-- The erasures of persons. While one is under way its row names the user, so that a run which was cut goes on under the same pseudonym; once it has
-- ended nothing names them. Nothing derives a pseudonym from a user.
CREATE TABLE IF NOT EXISTS erasures (
  pseudonym   TEXT PRIMARY KEY NOT NULL,
  user_id     TEXT,                        -- NULL once it has ended
  begun_at_ms INTEGER NOT NULL,
  ended_at_ms INTEGER,
  counts      JSON NOT NULL DEFAULT '{}',  -- rows by table, and archive files
  old_files   JSON NOT NULL DEFAULT '[]',  -- archives that were written anew without the user, and are still to be removed
  CONSTRAINT erasures_user UNIQUE (user_id),
  CONSTRAINT erasures_pseudonym CHECK (pseudonym GLOB 'erased-*' AND length(pseudonym) = 39),
  CONSTRAINT erasures_ended_names_nobody CHECK ((ended_at_ms IS NULL) = (user_id IS NOT NULL)),
  CONSTRAINT erasures_ended_left_nothing CHECK (ended_at_ms IS NULL OR old_files = '[]'),
  CONSTRAINT erasures_json CHECK (json_valid(counts) AND json_valid(old_files))
) WITHOUT ROWID;

-- Version and history. The version's row is the newest, because the documented query takes the newest row for the version.
INSERT OR IGNORE INTO schema_metadata (key, value) VALUES ('schema_version', '1.5.0');
UPDATE schema_metadata SET value = '1.5.0', created_at = CURRENT_TIMESTAMP WHERE key = 'schema_version';
INSERT OR IGNORE INTO schema_metadata (key, value, created_at)
SELECT 'last_migration', '006_erasures', datetime(created_at, '-1 second') FROM schema_metadata WHERE key = 'schema_version';
UPDATE schema_metadata SET value = '006_erasures' WHERE key = 'last_migration';
INSERT OR IGNORE INTO schema_migrations (migration_name, checksum, execution_time_ms) VALUES ('006_erasures', '', 0);
