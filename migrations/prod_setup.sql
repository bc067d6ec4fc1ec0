-- prod_setup: what a production database starts with. Needs 001; runs before and after 002 alike.
--
-- It takes effect once, and the last statement notes that it has: what an operator changes afterwards stays changed, however often this runs.
-- On a database marked development it does nothing, since that one may hold sample rows.

INSERT INTO schema_metadata (key, value, created_at)
-- a second before the version's row: the documented query takes the newest row for the version
SELECT 'environment', 'production', DATETIME(version.created_at, '-1 second')
FROM schema_metadata AS version
WHERE version.key = 'schema_version'
ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE value = 'staging';

-- Off until somebody asks for them: the one shows callers what a provider said, the other offers models that nobody has priced.
UPDATE feature_flags
SET is_enabled = FALSE, rollout_percentage = 0
WHERE flag_name IN ('detailed_errors', 'experimental_models')
  AND updated_at IS created_at  -- as it was entered: what somebody has set since is theirs
  AND EXISTS (SELECT 1 FROM schema_metadata WHERE key = 'environment' AND value = 'production')
  AND NOT EXISTS (SELECT 1 FROM schema_metadata WHERE key = 'production_setup');

INSERT OR IGNORE INTO schema_metadata (key, value, created_at)
SELECT 'production_setup', 'done', DATETIME(version.created_at, '-1 second')
FROM schema_metadata AS version
WHERE version.key = 'schema_version'
  AND EXISTS (SELECT 1 FROM schema_metadata WHERE key = 'environment' AND value = 'production');
