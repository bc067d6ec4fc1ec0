-- 003_job_pauses: schema 1.2.0. Jobs can be paused, and stay so over restarts.
--
-- Needs 002. Every statement is safe to run twice, in the sqlite3 shell (3.40 and later) and through D1.

-- A job that has a row here is not started by its schedule; `tallyd jobs pause` writes it and `tallyd jobs resume` removes it.
CREATE TABLE IF NOT EXISTS job_pauses (
  job          TEXT PRIMARY KEY NOT NULL,
  paused_at_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- Version and history. The version's row is the newest, because the documented query takes the newest row for the version.
INSERT OR IGNORE INTO schema_metadata (key, value) VALUES ('schema_version', '1.2.0');
UPDATE schema_metadata SET value = '1.2.0', created_at = CURRENT_TIMESTAMP WHERE key = 'schema_version';
INSERT OR IGNORE INTO schema_metadata (key, value, created_at)
SELECT 'last_migration', '003_job_pauses', datetime(created_at, '-1 second') FROM schema_metadata WHERE key = 'schema_version';
UPDATE schema_metadata SET value = '003_job_pauses' WHERE key = 'last_migration';
INSERT OR IGNORE INTO schema_migrations (migration_name, checksum, execution_time_ms) VALUES ('003_job_pauses', '', 0);
