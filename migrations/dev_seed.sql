-- dev_seed: a small sample to look at while developing. Needs 001; runs before and after 002 alike.
--
-- Guard: rows are entered only where schema_metadata says environment = 'development'. A database that says nothing is marked so by the first
-- statement, if it holds no usage yet. Anywhere else (production above all) every statement below inserts nothing.
-- Safe to run twice: every row has a fixed key. Times are relative to now, so that the documented "last 7 days" shows something.

INSERT OR IGNORE INTO schema_metadata (key, value, created_at)
-- a second before the version's row: the documented query takes the newest row for the version
SELECT 'environment', 'development', DATETIME(version.created_at, '-1 second')
FROM schema_metadata AS version
WHERE version.key = 'schema_version'
  AND NOT EXISTS (SELECT 1 FROM usage_logs);

-- Three people: one busy, one now and then, one whose access has ended.
INSERT OR IGNORE INTO user_preferences (user_id, default_model, temperature, max_tokens, enable_streaming, enable_tool_calling, privacy_mode)
WITH sample (user_id, default_model, temperature, max_tokens, enable_streaming, enable_tool_calling, privacy_mode) AS (
  VALUES
    ('dev-ada', 'gpt-4o', 0.2, 4096, TRUE, TRUE, FALSE),
    ('dev-grace', 'claude-3-5-sonnet', 0.7, 2048, TRUE, FALSE, FALSE),
    ('dev-linus', NULL, NULL, NULL, FALSE, FALSE, TRUE)
)
SELECT * FROM sample
WHERE EXISTS (SELECT 1 FROM schema_metadata WHERE key = 'environment' AND value = 'development');

-- The hashes are no hashes of anything, so no key opens these. is_active in the forms that clients write.
INSERT OR IGNORE INTO api_keys (id, user_id, key_hash, name, permissions, is_active, expires_at, last_used_at)
WITH sample (id, user_id, key_hash, name, permissions, is_active, expires_at, last_used_at) AS (
  VALUES
    ('dev-key-1', 'dev-ada', 'dev-no-hash-1', 'notebook', 'read,write', TRUE, NULL, DATETIME('now', '-5 minutes')),
    ('dev-key-2', 'dev-grace', 'dev-no-hash-2', 'editor', 'read,write', 'true', DATETIME('now', '+90 days'), DATETIME('now', '-1 day')),
    ('dev-key-3', 'dev-linus', 'dev-no-hash-3', 'old script', 'read', 0, DATETIME('now', '-10 days'), NULL)
)
SELECT * FROM sample
WHERE EXISTS (SELECT 1 FROM schema_metadata WHERE key = 'environment' AND value = 'development');

-- One session that lives, one that has expired, one that was signed out.
INSERT OR IGNORE INTO user_sessions (id, user_id, token_hash, ip_address, expires_at, is_active, last_activity_at)
WITH sample (id, user_id, token_hash, ip_address, expires_at, is_active, last_activity_at) AS (
  VALUES
    ('dev-session-1', 'dev-ada', 'dev-no-token-1', '192.0.2.10', STRFTIME('%Y-%m-%dT%H:%M:%fZ', 'now', '+1 day'), TRUE, DATETIME('now')),
    ('dev-session-2', 'dev-grace', 'dev-no-token-2', '192.0.2.11', DATETIME('now', '-2 days'), TRUE, DATETIME('now', '-3 days')),
    ('dev-session-3', 'dev-linus', 'dev-no-token-3', '192.0.2.12', DATETIME('now', '+1 day'), 'false', DATETIME('now', '-9 days'))
)
SELECT * FROM sample
WHERE EXISTS (SELECT 1 FROM schema_metadata WHERE key = 'environment' AND value = 'development');

INSERT OR IGNORE INTO rate_limits (id, user_id, requests_count, window_start, window_end, window_type)
WITH sample (id, user_id, requests_count, window_start, window_end, window_type) AS (
  VALUES
    ('dev-limit-1', 'dev-ada', 7, DATETIME('now'), DATETIME('now', '+1 minute'), 'minute'),
    ('dev-limit-2', 'dev-ada', 41, DATETIME('now', '-30 minutes'), DATETIME('now', '+30 minutes'), 'hour'),
    ('dev-limit-3', 'dev-grace', 3, DATETIME('now', '-3 days'), DATETIME('now', '-2 days'), 'day')
)
SELECT * FROM sample
WHERE EXISTS (SELECT 1 FROM schema_metadata WHERE key = 'environment' AND value = 'development');

INSERT OR IGNORE INTO conversations (id, user_id, title, model, message_count, total_tokens, total_cost, metadata)
WITH sample (id, user_id, title, model, message_count, total_tokens, total_cost, metadata) AS (
  VALUES
    ('dev-conversation-1', 'dev-ada', 'A bridge of cards', 'gpt-4o', 3, 640, 0.004, '{"source":"dev_seed"}'),
    ('dev-conversation-2', 'dev-grace', 'Naming a moth', 'claude-3-5-sonnet', 1, 90, 0.001, NULL)
)
SELECT * FROM sample
WHERE EXISTS (SELECT 1 FROM schema_metadata WHERE key = 'environment' AND value = 'development');

INSERT OR IGNORE INTO messages (id, conversation_id, user_id, role, content, tokens, model, created_at)
WITH sample (id, conversation_id, user_id, role, content, tokens, model, created_at) AS (
  VALUES
    ('dev-message-1', 'dev-conversation-1', 'dev-ada', 'system', 'Answer in short sentences.', 6, NULL, DATETIME('now', '-62 minutes')),
    ('dev-message-2', 'dev-conversation-1', 'dev-ada', 'user', 'How many cards carry a book?', 8, NULL, DATETIME('now', '-61 minutes')),
    ('dev-message-3', 'dev-conversation-1', 'dev-ada', 'assistant', 'Two rows of seven do.', 7, 'gpt-4o', DATETIME('now', '-60 minutes')),
    ('dev-message-4', 'dev-conversation-2', 'dev-grace', 'user', 'It sat in the relay. What is it called?', 12, NULL, DATETIME('now', '-1 day'))
)
SELECT * FROM sample
-- not where the conversation was deleted since: its messages went with it
WHERE EXISTS (SELECT 1 FROM conversations WHERE conversations.id = sample.conversation_id)
  AND EXISTS (SELECT 1 FROM schema_metadata WHERE key = 'environment' AND value = 'development');

-- Usage as gateways write it: both forms of time, total_tokens left at 0, a cost of 0 where the caller did not know the price (the list
-- knows gpt-4o-mini, nothing knows dev-unpriced-model), failures, and at the end a row that arrives two days late.
INSERT OR IGNORE INTO usage_logs (
  user_id, request_id, model, input_tokens, output_tokens, total_tokens, cost, latency, status, error_message, created_at
)
WITH sample (user_id, request_id, model, input_tokens, output_tokens, total_tokens, cost, latency, status, error_message, created_at) AS (
  VALUES
    ('dev-ada', 'dev-request-01', 'gpt-4o', 900, 310, 0, 0.00535, 1180, 'success', NULL, DATETIME('now', '-6 days')),
    ('dev-ada', 'dev-request-02', 'gpt-4o-mini', 400, 120, 520, 0, 610, 'success', NULL, DATETIME('now', '-5 days')),
    ('dev-grace', 'dev-request-03', 'claude-3-5-sonnet', 210, 800, 1010, 0.01263, 2950, 'success', NULL,
      STRFTIME('%Y-%m-%dT%H:%M:%fZ', 'now', '-4 days')),
    ('dev-grace', 'dev-request-04', 'claude-3-5-sonnet', 210, 0, 0, 0, 30000, 'timeout', 'no answer within 30 s',
      STRFTIME('%Y-%m-%dT%H:%M:%fZ', 'now', '-4 days')),
    ('dev-linus', 'dev-request-05', 'dev-unpriced-model', 64, 64, 0, 0, 400, 'success', NULL, DATETIME('now', '-3 days')),
    ('dev-ada', 'dev-request-06', 'gpt-4o', 1500, 700, 0, 0.01075, 2210, 'success', NULL,
      STRFTIME('%Y-%m-%dT%H:%M:%fZ', 'now', '-1 day')),
    ('dev-ada', 'dev-request-07', 'gpt-4o', 1500, 0, 0, 0, 85, 'error', 'the provider answered 500',
      STRFTIME('%Y-%m-%dT%H:%M:%fZ', 'now', '-3 hours')),
    ('dev-ada', 'dev-request-08', 'gpt-4o', 1500, 655, 0, 0.0103, 1990, 'success', NULL,
      STRFTIME('%Y-%m-%dT%H:%M:%fZ', 'now', '-3 hours')),
    ('dev-ada', 'dev-request-09', 'gpt-4o-mini', 80, 20, 100, 0, 350, 'success', NULL, DATETIME('now', '-20 minutes')),
    ('dev-grace', 'dev-request-10', 'gpt-4o-mini', 330, 95, 0, 0, 720, 'success', NULL, DATETIME('now', '-2 days'))
)
SELECT * FROM sample
WHERE EXISTS (SELECT 1 FROM schema_metadata WHERE key = 'environment' AND value = 'development');

-- Switched off and under a name that no resolver knows (RFC 6761, .invalid): nothing is ever sent to it.
INSERT OR IGNORE INTO webhooks (id, user_id, url, events, is_active)
SELECT 'dev-webhook-1', 'dev-ada', 'https://hooks.invalid/usage', '["usage.daily"]', FALSE
WHERE EXISTS (SELECT 1 FROM schema_metadata WHERE key = 'environment' AND value = 'development');

INSERT OR IGNORE INTO audit_logs (id, user_id, action, resource_type, resource_id, metadata, created_at)
WITH sample (id, user_id, action, resource_type, resource_id, metadata, created_at) AS (
  VALUES
    ('dev-audit-1', 'dev-ada', 'api_key.created', 'api_key', 'dev-key-1', NULL, DATETIME('now', '-7 days')),
    ('dev-audit-2', 'dev-ada', 'request.error', 'usage_log', 'dev-request-07', '{"status":500}', DATETIME('now', '-3 hours'))
)
SELECT * FROM sample
WHERE EXISTS (SELECT 1 FROM schema_metadata WHERE key = 'environment' AND value = 'development');

INSERT OR IGNORE INTO system_metrics (id, metric_name, metric_value, metric_unit, tags)
SELECT 'dev-metric-1', 'queue_depth', 3, 'requests', '{"source":"dev_seed"}'
WHERE EXISTS (SELECT 1 FROM schema_metadata WHERE key = 'environment' AND value = 'development');
