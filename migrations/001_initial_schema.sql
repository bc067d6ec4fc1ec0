-- 001_initial_schema: schema 1.0.0, the tables that an OpenAI-compatible gateway writes.
--
-- Runs in the sqlite3 shell (3.40 and later) and through D1's execute. Every statement, and the whole file, is safe to run twice, and on
-- a 1.0.0 database with rows: nothing that is there is changed, and default rows are entered only into tables that are empty.
-- After 002 has run, run 002 again whenever this file was run again: this one knows only 1.0.0's indexes and brings back those that 002 drops.
--
-- Times are text in UTC. The gateway writes them as 2026-11-23T22:31:07.123Z, the defaults as 2026-11-23 22:31:07: both are valid, but
-- as text they do not sort together. Every DATETIME has a default here, save webhooks.last_delivery_at. So a key that never expires
-- must say NULL, and may not leave expires_at out.
-- is_active has no check anywhere: clients write TRUE, 1 and 'true'.

-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
-- Usage: what was asked, of which model, and what it cost
-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

-- One row a request. AUTOINCREMENT, because the order of the ids is the order of arrival, and a removed row's id must not come again.
CREATE TABLE IF NOT EXISTS usage_logs (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id       TEXT NOT NULL,
  request_id    TEXT UNIQUE NOT NULL,
  model         TEXT NOT NULL,
  input_tokens  INTEGER NOT NULL DEFAULT 0,
  output_tokens INTEGER NOT NULL DEFAULT 0,
  total_tokens  INTEGER NOT NULL DEFAULT 0,  -- often left at 0: a row's tokens are the larger of this and input + output
  cost          REAL NOT NULL DEFAULT 0.0,   -- dollars; often 0, because the caller did not know the price
  latency       INTEGER NOT NULL DEFAULT 0,  -- milliseconds
  status        TEXT NOT NULL DEFAULT 'success',
  error_message TEXT,
  ip_address    TEXT,
  user_agent    TEXT,
  created_at    DATETIME DEFAULT CURRENT_TIMESTAMP,
  updated_at    DATETIME DEFAULT CURRENT_TIMESTAMP
);

-- One row a user, model and day, with the id user_id-model-date.
CREATE TABLE IF NOT EXISTS daily_usage_stats (
  id             TEXT PRIMARY KEY,
  date           DATE NOT NULL,
  user_id        TEXT,
  model          TEXT,
  total_requests INTEGER DEFAULT 0,
  total_tokens   INTEGER DEFAULT 0,
  total_cost     REAL DEFAULT 0.0,  -- dollars
  avg_latency    REAL DEFAULT 0.0,  -- milliseconds
  success_rate   REAL DEFAULT 0.0,  -- percent, 0 to 100
  created_at     DATETIME DEFAULT CURRENT_TIMESTAMP,
  updated_at     DATETIME DEFAULT CURRENT_TIMESTAMP,
  UNIQUE (date, user_id, model)
);

CREATE TABLE IF NOT EXISTS model_pricing (
  id                     TEXT PRIMARY KEY,
  model                  TEXT UNIQUE NOT NULL,
  provider               TEXT NOT NULL,
  prompt_cost_per_1k     REAL NOT NULL,  -- per 1,000 tokens, in the row's currency
  completion_cost_per_1k REAL NOT NULL,
  currency               TEXT DEFAULT 'USD',
  is_active              BOOLEAN DEFAULT TRUE,
  created_at             DATETIME DEFAULT CURRENT_TIMESTAMP,
  updated_at             DATETIME DEFAULT CURRENT_TIMESTAMP
);

-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
-- Access: who may ask, and how often
-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

CREATE TABLE IF NOT EXISTS rate_limits (
  id             TEXT PRIMARY KEY,
  user_id        TEXT NOT NULL,
  requests_count INTEGER DEFAULT 0,
  window_start   DATETIME DEFAULT CURRENT_TIMESTAMP,
  window_end     DATETIME DEFAULT CURRENT_TIMESTAMP,
  window_type    TEXT NOT NULL DEFAULT 'minute',
  created_at     DATETIME DEFAULT CURRENT_TIMESTAMP,
  updated_at     DATETIME DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT rate_limits_window_type CHECK (window_type IN ('minute', 'hour', 'day'))
);

CREATE TABLE IF NOT EXISTS api_keys (
  id                 TEXT PRIMARY KEY,
  user_id            TEXT NOT NULL,
  key_hash           TEXT UNIQUE NOT NULL,  -- never the key itself
  name               TEXT,
  description        TEXT,
  permissions        TEXT DEFAULT 'read,write',
  rate_limit_minute  INTEGER DEFAULT 60,
  rate_limit_hour    INTEGER DEFAULT 1000,
  rate_limit_day     INTEGER DEFAULT 10000,
  usage_quota_tokens INTEGER DEFAULT 100000,
  usage_quota_cost   REAL DEFAULT 10.0,     -- dollars
  is_active          BOOLEAN DEFAULT TRUE,
  expires_at         DATETIME DEFAULT CURRENT_TIMESTAMP,
  last_used_at       DATETIME DEFAULT CURRENT_TIMESTAMP,
  created_at         DATETIME DEFAULT CURRENT_TIMESTAMP,
  updated_at         DATETIME DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE IF NOT EXISTS user_sessions (
  id               TEXT PRIMARY KEY,
  user_id          TEXT NOT NULL,
  token_hash       TEXT UNIQUE NOT NULL,
  ip_address       TEXT,
  user_agent       TEXT,
  expires_at       DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  is_active        BOOLEAN DEFAULT TRUE,
  last_activity_at DATETIME DEFAULT CURRENT_TIMESTAMP,
  created_at       DATETIME DEFAULT CURRENT_TIMESTAMP,
  updated_at       DATETIME DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE IF NOT EXISTS user_preferences (
  user_id             TEXT PRIMARY KEY,
  default_model       TEXT,
  temperature         REAL,
  max_tokens          INTEGER,
  enable_streaming    BOOLEAN,
  enable_tool_calling BOOLEAN,
  privacy_mode        BOOLEAN,
  metadata            JSON,
  created_at          DATETIME DEFAULT CURRENT_TIMESTAMP,
  updated_at          DATETIME DEFAULT CURRENT_TIMESTAMP
);

-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
-- Conversations
-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

CREATE TABLE IF NOT EXISTS conversations (
  id            TEXT PRIMARY KEY,
  user_id       TEXT NOT NULL,
  title         TEXT,
  model         TEXT NOT NULL,
  message_count INTEGER DEFAULT 0,
  total_tokens  INTEGER DEFAULT 0,
  total_cost    REAL DEFAULT 0.0,
  is_active     BOOLEAN DEFAULT TRUE,
  metadata      JSON,
  created_at    DATETIME DEFAULT CURRENT_TIMESTAMP,
  updated_at    DATETIME DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE IF NOT EXISTS messages (
  id              TEXT PRIMARY KEY,
  conversation_id TEXT NOT NULL,
  user_id         TEXT NOT NULL,
  role            TEXT NOT NULL,
  content         TEXT NOT NULL,
  tokens          INTEGER DEFAULT 0,
  model           TEXT,
  metadata        JSON,
  created_at      DATETIME DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT messages_role CHECK (role IN ('system', 'user', 'assistant')),
  CONSTRAINT messages_conversation FOREIGN KEY (conversation_id) REFERENCES conversations (id) ON DELETE CASCADE
);

-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
-- Operation
-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

-- Endpoints only: 1.0.0 has no queue, no attempts and no dead letters.
CREATE TABLE IF NOT EXISTS webhooks (
  id               TEXT PRIMARY KEY,
  user_id          TEXT NOT NULL,
  url              TEXT NOT NULL,
  events           TEXT NOT NULL,  -- JSON array of event names
  secret           TEXT,
  is_active        BOOLEAN DEFAULT TRUE,
  last_delivery_at DATETIME,       -- NULL until something was delivered
  created_at       DATETIME DEFAULT CURRENT_TIMESTAMP,
  updated_at       DATETIME DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE IF NOT EXISTS audit_logs (
  id            TEXT PRIMARY KEY,
  user_id       TEXT NOT NULL,
  action        TEXT NOT NULL,
  resource_type TEXT NOT NULL,
  resource_id   TEXT,
  ip_address    TEXT,
  user_agent    TEXT,
  metadata      JSON,
  created_at    DATETIME DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE IF NOT EXISTS system_metrics (
  id           TEXT PRIMARY KEY,
  metric_name  TEXT NOT NULL,
  metric_value REAL NOT NULL,
  metric_unit  TEXT,
  tags         JSON,
  timestamp    DATETIME DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE IF NOT EXISTS feature_flags (
  id                 TEXT PRIMARY KEY,
  flag_name          TEXT UNIQUE NOT NULL,
  is_enabled         BOOLEAN DEFAULT FALSE,
  rollout_percentage INTEGER DEFAULT 0,
  target_users       JSON,
  conditions         JSON,
  description        TEXT,
  created_at         DATETIME DEFAULT CURRENT_TIMESTAMP,
  updated_at         DATETIME DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT feature_flags_rollout_percentage CHECK (rollout_percentage BETWEEN 0 AND 100)
);

-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
-- The schema's own version and history
-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

CREATE TABLE IF NOT EXISTS schema_metadata (
  key        TEXT PRIMARY KEY,
  value      TEXT NOT NULL,
  created_at DATETIME DEFAULT CURRENT_TIMESTAMP,
  updated_at DATETIME DEFAULT CURRENT_TIMESTAMP
);

-- checksum: SHA-256 of the migration's text in hexadecimal, or '' where a shell ran it (`tallyd migrate` fills it in).
CREATE TABLE IF NOT EXISTS schema_migrations (
  id                INTEGER PRIMARY KEY AUTOINCREMENT,
  migration_name    TEXT UNIQUE NOT NULL,
  executed_at       DATETIME DEFAULT CURRENT_TIMESTAMP,
  checksum          TEXT,
  execution_time_ms INTEGER
);

-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
-- Indexes of 1.0.0, each with what it is for. Those marked "covered" repeat a key or another index: 002 drops them.
-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

-- one user's requests
CREATE INDEX IF NOT EXISTS idx_usage_logs_user_id ON usage_logs (user_id);
-- the requests of a time
CREATE INDEX IF NOT EXISTS idx_usage_logs_created_at ON usage_logs (created_at);
-- one model's requests: of little use, with a dozen models in millions of rows
CREATE INDEX IF NOT EXISTS idx_usage_logs_model ON usage_logs (model);
-- covered by UNIQUE (request_id)
CREATE INDEX IF NOT EXISTS idx_usage_logs_request_id ON usage_logs (request_id);

-- covered by UNIQUE (date, user_id, model), which starts with the date
CREATE INDEX IF NOT EXISTS idx_daily_usage_stats_date ON daily_usage_stats (date);
-- one user's days
CREATE INDEX IF NOT EXISTS idx_daily_usage_stats_user_id ON daily_usage_stats (user_id);

-- covered by UNIQUE (model)
CREATE INDEX IF NOT EXISTS idx_model_pricing_model ON model_pricing (model);

-- covered by idx_rate_limits_user_window, which starts with the user
CREATE INDEX IF NOT EXISTS idx_rate_limits_user_id ON rate_limits (user_id);
-- the window that a request falls into
CREATE INDEX IF NOT EXISTS idx_rate_limits_user_window ON rate_limits (user_id, window_type, window_end);
-- the windows of a time
CREATE INDEX IF NOT EXISTS idx_rate_limits_window_start ON rate_limits (window_start);

-- one user's keys
CREATE INDEX IF NOT EXISTS idx_api_keys_user_id ON api_keys (user_id);
-- covered by UNIQUE (key_hash)
CREATE INDEX IF NOT EXISTS idx_api_keys_key_hash ON api_keys (key_hash);

-- one user's sessions
CREATE INDEX IF NOT EXISTS idx_user_sessions_user_id ON user_sessions (user_id);
-- covered by UNIQUE (token_hash)
CREATE INDEX IF NOT EXISTS idx_user_sessions_token_hash ON user_sessions (token_hash);
-- the sessions that have ended
CREATE INDEX IF NOT EXISTS idx_user_sessions_expires_at ON user_sessions (expires_at);

-- covered by idx_conversations_user_updated, which starts with the user
CREATE INDEX IF NOT EXISTS idx_conversations_user_id ON conversations (user_id);
-- a user's conversations, latest first
CREATE INDEX IF NOT EXISTS idx_conversations_user_updated ON conversations (user_id, updated_at);

-- covered by idx_messages_conversation_created, which starts with the conversation
CREATE INDEX IF NOT EXISTS idx_messages_conversation_id ON messages (conversation_id);
-- a conversation's messages in order, and the foreign key's cascade, which would scan the table without it
CREATE INDEX IF NOT EXISTS idx_messages_conversation_created ON messages (conversation_id, created_at);
-- one user's messages
CREATE INDEX IF NOT EXISTS idx_messages_user_id ON messages (user_id);

-- one user's endpoints
CREATE INDEX IF NOT EXISTS idx_webhooks_user_id ON webhooks (user_id);

-- what one user did
CREATE INDEX IF NOT EXISTS idx_audit_logs_user_id ON audit_logs (user_id);
-- one kind of action
CREATE INDEX IF NOT EXISTS idx_audit_logs_action ON audit_logs (action);
-- latest first: the documented search for '%error%' can use no index on action, but reads in this order and sorts nothing
CREATE INDEX IF NOT EXISTS idx_audit_logs_created_at ON audit_logs (created_at);

-- covered by idx_system_metrics_name_timestamp, which starts with the name
CREATE INDEX IF NOT EXISTS idx_system_metrics_metric_name ON system_metrics (metric_name);
-- the metrics of a time, whatever their name
CREATE INDEX IF NOT EXISTS idx_system_metrics_timestamp ON system_metrics (timestamp);
-- one metric over time
CREATE INDEX IF NOT EXISTS idx_system_metrics_name_timestamp ON system_metrics (metric_name, timestamp);

-- covered by UNIQUE (flag_name)
CREATE INDEX IF NOT EXISTS idx_feature_flags_flag_name ON feature_flags (flag_name);

-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
-- updated_at tells of every UPDATE. An UPDATE that sets it itself is left alone; so is a row that says this very second already,
-- because under PRAGMA recursive_triggers a trigger that writes the same value again would fire for ever.
-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

CREATE TRIGGER IF NOT EXISTS update_usage_logs_updated_at
AFTER UPDATE ON usage_logs
WHEN NEW.updated_at IS OLD.updated_at
BEGIN
  UPDATE usage_logs SET updated_at = CURRENT_TIMESTAMP WHERE rowid = NEW.rowid AND updated_at IS NOT CURRENT_TIMESTAMP;
END;

CREATE TRIGGER IF NOT EXISTS update_rate_limits_updated_at
AFTER UPDATE ON rate_limits
WHEN NEW.updated_at IS OLD.updated_at
BEGIN
  UPDATE rate_limits SET updated_at = CURRENT_TIMESTAMP WHERE rowid = NEW.rowid AND updated_at IS NOT CURRENT_TIMESTAMP;
END;

CREATE TRIGGER IF NOT EXISTS update_api_keys_updated_at
AFTER UPDATE ON api_keys
WHEN NEW.updated_at IS OLD.updated_at
BEGIN
  UPDATE api_keys SET updated_at = CURRENT_TIMESTAMP WHERE rowid = NEW.rowid AND updated_at IS NOT CURRENT_TIMESTAMP;
END;

CREATE TRIGGER IF NOT EXISTS update_conversations_updated_at
AFTER UPDATE ON conversations
WHEN NEW.updated_at IS OLD.updated_at
BEGIN
  UPDATE conversations SET updated_at = CURRENT_TIMESTAMP WHERE rowid = NEW.rowid AND updated_at IS NOT CURRENT_TIMESTAMP;
END;

CREATE TRIGGER IF NOT EXISTS update_user_preferences_updated_at
AFTER UPDATE ON user_preferences
WHEN NEW.updated_at IS OLD.updated_at
BEGIN
  UPDATE user_preferences SET updated_at = CURRENT_TIMESTAMP WHERE rowid = NEW.rowid AND updated_at IS NOT CURRENT_TIMESTAMP;
END;

CREATE TRIGGER IF NOT EXISTS update_model_pricing_updated_at
AFTER UPDATE ON model_pricing
WHEN NEW.updated_at IS OLD.updated_at
BEGIN
  UPDATE model_pricing SET updated_at = CURRENT_TIMESTAMP WHERE rowid = NEW.rowid AND updated_at IS NOT CURRENT_TIMESTAMP;
END;

CREATE TRIGGER IF NOT EXISTS update_webhooks_updated_at
AFTER UPDATE ON webhooks
WHEN NEW.updated_at IS OLD.updated_at
BEGIN
  UPDATE webhooks SET updated_at = CURRENT_TIMESTAMP WHERE rowid = NEW.rowid AND updated_at IS NOT CURRENT_TIMESTAMP;
END;

CREATE TRIGGER IF NOT EXISTS update_user_sessions_updated_at
AFTER UPDATE ON user_sessions
WHEN NEW.updated_at IS OLD.updated_at
BEGIN
  UPDATE user_sessions SET updated_at = CURRENT_TIMESTAMP WHERE rowid = NEW.rowid AND updated_at IS NOT CURRENT_TIMESTAMP;
END;

CREATE TRIGGER IF NOT EXISTS update_daily_usage_stats_updated_at
AFTER UPDATE ON daily_usage_stats
WHEN NEW.updated_at IS OLD.updated_at
BEGIN
  UPDATE daily_usage_stats SET updated_at = CURRENT_TIMESTAMP WHERE rowid = NEW.rowid AND updated_at IS NOT CURRENT_TIMESTAMP;
END;

CREATE TRIGGER IF NOT EXISTS update_feature_flags_updated_at
AFTER UPDATE ON feature_flags
WHEN NEW.updated_at IS OLD.updated_at
BEGIN
  UPDATE feature_flags SET updated_at = CURRENT_TIMESTAMP WHERE rowid = NEW.rowid AND updated_at IS NOT CURRENT_TIMESTAMP;
END;

CREATE TRIGGER IF NOT EXISTS update_schema_metadata_updated_at
AFTER UPDATE ON schema_metadata
WHEN NEW.updated_at IS OLD.updated_at
BEGIN
  UPDATE schema_metadata SET updated_at = CURRENT_TIMESTAMP WHERE rowid = NEW.rowid AND updated_at IS NOT CURRENT_TIMESTAMP;
END;

-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
-- Views, straight from usage_logs
-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

-- A row a user and day, so that it can be asked for the last seven days.
CREATE VIEW IF NOT EXISTS user_usage_summary AS
SELECT user_id,
       DATE(created_at) AS date,
       COUNT(*) AS total_requests,
       SUM(total_tokens) AS total_tokens,
       SUM(cost) AS total_cost,
       AVG(latency) AS avg_latency,
       100.0 * SUM(status = 'success') / COUNT(*) AS success_rate
FROM usage_logs
GROUP BY user_id, DATE(created_at);

CREATE VIEW IF NOT EXISTS model_usage_stats AS
SELECT model,
       COUNT(*) AS total_requests,
       SUM(total_tokens) AS total_tokens,
       SUM(cost) AS total_cost,
       AVG(latency) AS avg_latency,
       100.0 * SUM(status = 'success') / COUNT(*) AS success_rate
FROM usage_logs
GROUP BY model;

CREATE VIEW IF NOT EXISTS daily_usage_trends AS
SELECT DATE(created_at) AS date,
       COUNT(*) AS total_requests,
       SUM(total_tokens) AS total_tokens,
       SUM(cost) AS total_cost,
       AVG(latency) AS avg_latency,
       COUNT(DISTINCT user_id) AS unique_users,
       COUNT(DISTINCT model) AS unique_models
FROM usage_logs
GROUP BY DATE(created_at);

-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
-- Default rows, each list only where its table is empty: what an operator removed or replaced does not come back
-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

-- List prices in dollars per 1,000 tokens. They age: an operator keeps the rows, nobody edits this file.
INSERT OR IGNORE INTO model_pricing (id, model, provider, prompt_cost_per_1k, completion_cost_per_1k, currency, is_active)
WITH listed (id, model, provider, prompt, completion) AS (
  VALUES
    ('price-gpt-4o', 'gpt-4o', 'openai', 0.0025, 0.01),
    ('price-gpt-4o-mini', 'gpt-4o-mini', 'openai', 0.00015, 0.0006),
    ('price-o1-mini', 'o1-mini', 'openai', 0.0011, 0.0044),
    ('price-claude-3-5-sonnet', 'claude-3-5-sonnet', 'anthropic', 0.003, 0.015),
    ('price-claude-3-5-haiku', 'claude-3-5-haiku', 'anthropic', 0.0008, 0.004),
    ('price-gemini-1.5-pro', 'gemini-1.5-pro', 'google', 0.00125, 0.005),
    ('price-gemini-1.5-flash', 'gemini-1.5-flash', 'google', 0.000075, 0.0003),
    ('price-llama-3.3-70b-instruct', 'llama-3.3-70b-instruct', 'meta', 0.00059, 0.00079),
    ('price-mistral-large', 'mistral-large', 'mistral', 0.002, 0.006),
    ('price-deepseek-chat', 'deepseek-chat', 'deepseek', 0.00027, 0.0011),
    ('price-qwen-2.5-72b-instruct', 'qwen-2.5-72b-instruct', 'alibaba', 0.0004, 0.0012),
    ('price-command-r-plus', 'command-r-plus', 'cohere', 0.0025, 0.01)
)
SELECT id, model, provider, prompt, completion, 'USD', TRUE
FROM listed
WHERE NOT EXISTS (SELECT 1 FROM model_pricing);

-- What a new installation starts with. prod_setup.sql turns off what production should ask for first.
INSERT OR IGNORE INTO feature_flags (id, flag_name, is_enabled, rollout_percentage, description)
WITH flags (id, flag_name, is_enabled, rollout_percentage, description) AS (
  VALUES
    ('flag-streaming', 'streaming', TRUE, 100, 'Answers are sent piece by piece'),
    ('flag-tool-calling', 'tool_calling', TRUE, 100, 'Models may call tools that the caller offers'),
    ('flag-conversation-history', 'conversation_history', TRUE, 100, 'Conversations and messages are stored'),
    ('flag-detailed-errors', 'detailed_errors', TRUE, 100, 'Errors name the provider and its own words'),
    ('flag-experimental-models', 'experimental_models', TRUE, 10, 'Models that are not announced yet are offered'),
    ('flag-usage-webhooks', 'usage_webhooks', FALSE, 0, 'Usage events are sent to the endpoints in webhooks')
)
SELECT id, flag_name, is_enabled, rollout_percentage, description
FROM flags
WHERE NOT EXISTS (SELECT 1 FROM feature_flags);

-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
-- Version and history. The documented query takes the newest row for the version, so all other rows are dated a second before it,
-- whenever they are entered.
-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

INSERT OR IGNORE INTO schema_metadata (key, value) VALUES ('schema_version', '1.0.0');
INSERT OR IGNORE INTO schema_metadata (key, value, created_at)
WITH facts (key, value) AS (
  VALUES
    ('created_date', DATE('now')),
    ('description', 'Usage, keys, conversations and settings of an OpenAI-compatible gateway'),
    ('compatible_with', '1.0.0'),
    ('last_migration', '001_initial_schema')
)
SELECT facts.key, facts.value, DATETIME(version.created_at, '-1 second')
FROM facts
JOIN schema_metadata AS version ON version.key = 'schema_version';

INSERT OR IGNORE INTO schema_migrations (migration_name, checksum, execution_time_ms) VALUES ('001_initial_schema', '', 0);
