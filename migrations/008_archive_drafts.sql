-- 008_archive_drafts: schema 1.7.0. Which archive files may lie in the folder that are not on record.
--
-- Needs 005. Every statement is safe to run twice, in the sqlite3 shell (3.40 and later) and through D1.

-- Files that are being written: noted before the first byte, and forgotten in the transaction that puts the archive on record. What a crash leaves
-- behind is so found by an erasure, which else goes by what is on record. No row was removed for such a file.
CREATE TABLE IF NOT EXISTS archive_drafts (
  path TEXT PRIMARY KEY NOT NULL
) WITHOUT ROWID;

-- Version and history. The version's row is the newest, because the documented query takes the newest row for the version.
INSERT OR IGNORE INTO schema_metadata (key, value) VALUES ('schema_version', '1.7.0');
UPDATE schema_metadata SET value = '1.7.0', created_at = CURRENT_TIMESTAMP WHERE key = 'schema_version';
INSERT OR IGNORE INTO schema_metadata (key, value, created_at)
SELECT 'last_migration', '008_archive_drafts', datetime(created_at, '-1 second') FROM schema_metadata WHERE key = 'schema_version';
UPDATE schema_metadata SET value = '008_archive_drafts' WHERE key = 'last_migration';
INSERT OR IGNORE INTO schema_migrations (migration_name, checksum, execution_time_ms) VALUES ('008_archive_drafts', '', 0);
