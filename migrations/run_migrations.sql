-- run_migrations: what to run in which order, and how far a database is. This file only looks; it changes nothing.
--
-- With the daemon at hand, `tallyd migrate` does all of this and records checksums. With a shell, in this order, on one database:
--
--   sqlite3 -bail usage.db < migrations/001_initial_schema.sql
--   sqlite3 -bail usage.db < migrations/002_exact_rollup.sql
--   sqlite3 -bail usage.db < migrations/003_job_pauses.sql
--   sqlite3 -bail usage.db < migrations/004_retention.sql
--   sqlite3 -bail usage.db < migrations/005_archives.sql
--   sqlite3 -bail usage.db < migrations/006_erasures.sql
--   sqlite3 -bail usage.db < migrations/007_webhook_outbox.sql
--   sqlite3 -bail usage.db < migrations/008_archive_drafts.sql
--   sqlite3 -bail usage.db < migrations/prod_setup.sql    (production only)
--   sqlite3 -bail usage.db < migrations/dev_seed.sql      (development only)
--   sqlite3 usage.db < migrations/run_migrations.sql      (this file: what is there now)
--
-- With D1, the same files in the same order:
--
--   npx wrangler d1 execute NAME --remote --file migrations/001_initial_schema.sql
--
-- Every file is safe to run again, from the first on, so a run that broke off is finished by starting over.

-- 1. What is there, told by the tables themselves: answers on every database, also where no history was kept.
SELECT migration,
       CASE WHEN found = wanted THEN 'present' WHEN found = 0 THEN 'missing' ELSE 'incomplete' END AS tables,
       found || ' of ' || wanted AS found,
       CASE
         WHEN found = wanted THEN 'nothing to do'
         ELSE 'run migrations/' || migration || '.sql'
       END AS next_step
FROM (
  SELECT migration,
         COUNT(*) AS wanted,
         SUM(EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = landmark)) AS found
  FROM (
    SELECT '001_initial_schema' AS migration, column1 AS landmark
    FROM (
      VALUES ('usage_logs'), ('rate_limits'), ('api_keys'), ('conversations'), ('messages'), ('user_preferences'), ('model_pricing'),
             ('webhooks'), ('audit_logs'), ('user_sessions'), ('daily_usage_stats'), ('system_metrics'), ('feature_flags'),
             ('schema_metadata'), ('schema_migrations')
    )
    UNION ALL
    SELECT '002_exact_rollup', column1
    FROM (VALUES ('rollup_state'), ('usage_changes'), ('usage_rejects'), ('usage_days'), ('usage_latency_histograms'), ('model_price_book'))
    UNION ALL
    VALUES ('003_job_pauses', 'job_pauses'), ('004_retention', 'retention_overrides'), ('004_retention', 'retention_holds'),
           ('004_retention', 'retention_state'), ('005_archives', 'archives'), ('006_erasures', 'erasures'),
           ('007_webhook_outbox', 'webhook_events'), ('007_webhook_outbox', 'webhook_deliveries'),
           ('007_webhook_outbox', 'webhook_attempts'), ('007_webhook_outbox', 'webhook_endpoints'), ('007_webhook_outbox', 'webhook_outbox'),
           ('008_archive_drafts', 'archive_drafts')
  )
  GROUP BY migration
)
ORDER BY migration;

-- 2. What is recorded. "no such table: schema_migrations" means that no history was kept: run 001, which changes nothing that is there.
WITH known (migration_name) AS (
  VALUES ('001_initial_schema'), ('002_exact_rollup'), ('003_job_pauses'), ('004_retention'), ('005_archives'), ('006_erasures'),
         ('007_webhook_outbox'), ('008_archive_drafts')
)
SELECT migration_name AS migration,
       CASE
         WHEN executed_at IS NULL THEN 'not recorded'
         WHEN LENGTH(checksum) = 64 THEN 'recorded by tallyd'
         ELSE 'recorded by a shell: tallyd migrate fills the checksum in'
       END AS record,
       executed_at
FROM known
-- some 1.0.0 databases keep the file's name with its ending
LEFT JOIN (
  SELECT CASE WHEN migration_name LIKE '%.sql' THEN SUBSTR(migration_name, 1, LENGTH(migration_name) - 4) ELSE migration_name END AS migration_name,
         COALESCE(executed_at, 'at an unknown time') AS executed_at,
         checksum
  FROM schema_migrations
) USING (migration_name)
ORDER BY migration_name;

-- 3. The version, the last migration and the environment (no row: none was set).
SELECT key, value
FROM schema_metadata
WHERE key IN ('schema_version', 'last_migration', 'environment')
ORDER BY key DESC;
