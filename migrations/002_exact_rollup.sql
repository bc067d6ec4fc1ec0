-- 002_exact_rollup: schema 1.0.0 → 1.1.0. Exact daily totals, and what the rollup needs to keep them so.
--
-- Runs in the sqlite3 shell (3.40 and later) and through D1's execute. Every statement, and the whole file, is safe to run twice.
-- It holds the write lock while daily_usage_stats is copied (about 2 s for a million daily rows) and while one index is dropped.

-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
-- The rollup's own tables
-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

-- One row: how far usage_logs has been counted.
-- Counted rows are those with id <= cursor, and, while a batch (cursor, batch_end] is being applied in short transactions ordered by
-- (user_id, model), also those of the batch whose (user_id, model) <= (applied_user, applied_model). What happens to rows up to claim is
-- written to usage_changes.
CREATE TABLE IF NOT EXISTS rollup_state (
  id                  INTEGER PRIMARY KEY CONSTRAINT rollup_state_one_row CHECK (id = 1),
  cursor              INTEGER NOT NULL DEFAULT 0,
  batch_end           INTEGER NOT NULL DEFAULT 0,
  claim               INTEGER NOT NULL DEFAULT 0,
  applied_user        TEXT,
  applied_model       TEXT,
  applied_histograms  INTEGER NOT NULL DEFAULT 0,
  purging             INTEGER NOT NULL DEFAULT 0,  -- 1 only inside a purge's own transaction, so that its deletes are no corrections
  adopted             INTEGER NOT NULL DEFAULT 0,  -- 1 once the daily rows that 1.0.0 left behind have been judged day by day
  zone                TEXT,                        -- IANA name of the zone whose calendar days are counted; NULL until the first rollup
  zone_offset_seconds INTEGER NOT NULL DEFAULT 0,  -- its present offset, for the views: SQL knows no zones
  updated_at_ms       INTEGER NOT NULL DEFAULT 0,
  CONSTRAINT rollup_state_order CHECK (cursor <= batch_end AND batch_end <= claim),
  CONSTRAINT rollup_state_progress_in_batch CHECK (batch_end > cursor OR (applied_user IS NULL AND applied_histograms = 0)),
  CONSTRAINT rollup_state_progress_whole CHECK ((applied_user IS NULL) = (applied_model IS NULL)),
  CONSTRAINT rollup_state_flags CHECK (purging IN (0, 1) AND adopted IN (0, 1))
);
INSERT OR IGNORE INTO rollup_state (id) VALUES (1);

-- The change log: images of claimed rows as they stopped being (sign -1) and became (sign +1). The value columns carry no type, so
-- that what the gateway stored is kept as it stood. AUTOINCREMENT, because a position in the log must never be used again.
CREATE TABLE IF NOT EXISTS usage_changes (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  row_id INTEGER NOT NULL,
  sign INTEGER NOT NULL CONSTRAINT usage_changes_sign CHECK (sign IN (-1, 1)),
  user_id, model, input_tokens, output_tokens, total_tokens, cost, latency, status, created_at
);

-- Rows that could not be counted, each under the reason. A row leaves this table when it is corrected or removed.
CREATE TABLE IF NOT EXISTS usage_rejects (
  row_id        INTEGER PRIMARY KEY,
  reason        TEXT NOT NULL,
  detail        TEXT NOT NULL,
  rejected_at_ms INTEGER NOT NULL,
  CONSTRAINT usage_rejects_reason CHECK (reason IN (
    'time_unreadable', 'time_out_of_range', 'user_unusable', 'model_unusable', 'tokens_unusable', 'cost_unusable', 'latency_unusable'
  ))
);

-- Days that are no longer open. A day without a row here is open: its totals can be derived from usage_logs.
-- adopted: 1.0.0 had counted more requests than usage_logs still held, so its figures stand, and raw rows up to adopted_through
-- are in them already. sealed … purged: the day's life under retention; only added to from then on.
CREATE TABLE IF NOT EXISTS usage_days (
  date            TEXT PRIMARY KEY NOT NULL,
  state           TEXT NOT NULL,
  adopted_through INTEGER,
  changed_at_ms   INTEGER NOT NULL,
  CONSTRAINT usage_days_state CHECK (state IN ('adopted', 'sealed', 'archived', 'verified', 'purged')),
  CONSTRAINT usage_days_adopted_through CHECK (state <> 'adopted' OR adopted_through IS NOT NULL)
) WITHOUT ROWID;

-- Latency histograms that add up: for each day and model, requests per log-linear bucket, as a JSON object from bucket to count (json_each
-- reads it). Bucket b < 64 holds exactly b ms; above that there are 32 buckets an octave: b = 32 * e + (latency >> e) with
-- e = floor(log2(latency)) - 5. A bucket's middle is within 1.6 % of all it holds. One row a day and model, since a row a bucket took as long to
-- write as all totals together.
CREATE TABLE IF NOT EXISTS usage_latency_histograms (
  date    TEXT NOT NULL,
  model   TEXT NOT NULL,
  buckets TEXT NOT NULL,
  PRIMARY KEY (date, model),
  CONSTRAINT usage_latency_histograms_json CHECK (json_valid(buckets))
) WITHOUT ROWID;

-- Prices as they were when usage happened. A model's first price holds for all time before it (-2^63), a later one from when it was seen.
-- Nothing is ever changed here, so a row's estimate is the same whenever it is derived.
CREATE TABLE IF NOT EXISTS model_price_book (
  model                   TEXT NOT NULL,
  effective_from_ms       INTEGER NOT NULL,
  prompt_nanos_per_1k     INTEGER,  -- both NULL: from here on the model has no price
  completion_nanos_per_1k INTEGER,
  PRIMARY KEY (model, effective_from_ms),
  CONSTRAINT model_price_book_both CHECK ((prompt_nanos_per_1k IS NULL) = (completion_nanos_per_1k IS NULL)),
  CONSTRAINT model_price_book_range CHECK (
    prompt_nanos_per_1k IS NULL
    OR (prompt_nanos_per_1k BETWEEN 0 AND 1000000000000 AND completion_nanos_per_1k BETWEEN 0 AND 1000000000000)
  )
) WITHOUT ROWID;
INSERT OR IGNORE INTO model_price_book (model, effective_from_ms, prompt_nanos_per_1k, completion_nanos_per_1k)
SELECT model,
       -9223372036854775808,
       CAST(ROUND(prompt_cost_per_1k * 1e9) AS INTEGER),
       CAST(ROUND(completion_cost_per_1k * 1e9) AS INTEGER)
FROM model_pricing
WHERE typeof(model) = 'text'
  AND lower(CAST(is_active AS TEXT)) IN ('1', 'true')  -- clients write TRUE, 1 or 'true'
  AND upper(COALESCE(currency, 'USD')) = 'USD'
  AND typeof(prompt_cost_per_1k) IN ('real', 'integer') AND prompt_cost_per_1k BETWEEN 0 AND 1000
  AND typeof(completion_cost_per_1k) IN ('real', 'integer') AND completion_cost_per_1k BETWEEN 0 AND 1000
  AND NOT EXISTS (SELECT 1 FROM model_price_book b WHERE b.model = model_pricing.model);

-- Days to be derived again from raw: for what is no sum (a greatest latency that a correction may have taken back, a first price for
-- usage that had none), and for `tallyd rollup rebuild`. The generation tells a mark that came while the day was being derived.
CREATE TABLE IF NOT EXISTS rollup_dirty_days (
  date       TEXT PRIMARY KEY NOT NULL,
  generation INTEGER NOT NULL DEFAULT 1
) WITHOUT ROWID;

-- Who may write. Every job's write checks the term in its own transaction; whoever takes the lease raises it.
CREATE TABLE IF NOT EXISTS tallyd_lease (
  id             INTEGER PRIMARY KEY CONSTRAINT tallyd_lease_one_row CHECK (id = 1),
  term           INTEGER NOT NULL DEFAULT 0,
  holder         TEXT,
  acquired_at_ms INTEGER NOT NULL DEFAULT 0
);
INSERT OR IGNORE INTO tallyd_lease (id) VALUES (1);

-- The ledger of runs. A slot is claimed by inserting it; attempt is raised before the work starts, so a crash is counted.
-- Rollup ticks that found nothing leave no row: an idle daemon writes nothing.
CREATE TABLE IF NOT EXISTS job_runs (
  id             INTEGER PRIMARY KEY,
  job            TEXT NOT NULL,
  slot_ms        INTEGER NOT NULL,
  attempt        INTEGER NOT NULL DEFAULT 1,
  state          TEXT NOT NULL,
  started_at_ms  INTEGER NOT NULL,
  finished_at_ms INTEGER,
  rows           INTEGER NOT NULL DEFAULT 0,
  lock_us        INTEGER NOT NULL DEFAULT 0,  -- microseconds that this run held the write lock, in all
  error          TEXT,
  CONSTRAINT job_runs_slot UNIQUE (job, slot_ms),
  CONSTRAINT job_runs_state CHECK (state IN ('running', 'succeeded', 'failed', 'cancelled', 'crashed')),
  CONSTRAINT job_runs_finished CHECK ((state = 'running') = (finished_at_ms IS NULL))
);

-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
-- daily_usage_stats: the contract's columns stay first and mean what they meant; the exact ones follow
-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

-- The views read the table, so they go before it does (and come back below).
DROP VIEW IF EXISTS user_usage_summary;
DROP VIEW IF EXISTS model_usage_stats;
DROP VIEW IF EXISTS daily_usage_trends;
DROP VIEW IF EXISTS usage_daily;
DROP VIEW IF EXISTS usage_uncounted;

-- SQLite has no ADD COLUMN IF NOT EXISTS, so the rows wait in a second table while the first is built anew. A shell commits each statement, so
-- a run may break off between any two: rows are only ever removed where the other table holds them, and the next run goes on from there.
CREATE TABLE IF NOT EXISTS daily_usage_stats (  -- 1.0.0's; missing only where a run broke off before it was built anew
  id TEXT PRIMARY KEY, date DATE NOT NULL, user_id TEXT, model TEXT, total_requests INTEGER DEFAULT 0, total_tokens INTEGER DEFAULT 0,
  total_cost REAL DEFAULT 0.0, avg_latency REAL DEFAULT 0.0, success_rate REAL DEFAULT 0.0, created_at DATETIME DEFAULT CURRENT_TIMESTAMP,
  updated_at DATETIME DEFAULT CURRENT_TIMESTAMP, UNIQUE (date, user_id, model)
);
CREATE TABLE IF NOT EXISTS daily_usage_stats_next (
  id                   TEXT PRIMARY KEY,
  date                 DATE NOT NULL,
  user_id              TEXT,
  model                TEXT,
  total_requests       INTEGER DEFAULT 0,
  total_tokens         INTEGER DEFAULT 0,
  total_cost           REAL DEFAULT 0.0,            -- dollars: cost_nanos / 1e9
  avg_latency          REAL DEFAULT 0.0,            -- milliseconds: latency_sum_ms / total_requests
  success_rate         REAL DEFAULT 0.0,            -- percent, 0 to 100
  created_at           DATETIME DEFAULT CURRENT_TIMESTAMP,
  updated_at           DATETIME DEFAULT CURRENT_TIMESTAMP,
  successes            INTEGER NOT NULL DEFAULT 0,
  failures             INTEGER NOT NULL DEFAULT 0,
  input_tokens         INTEGER NOT NULL DEFAULT 0,
  output_tokens        INTEGER NOT NULL DEFAULT 0,
  cost_nanos           INTEGER NOT NULL DEFAULT 0,  -- recorded and estimated, in nano-dollars
  estimated_cost_nanos INTEGER NOT NULL DEFAULT 0,  -- the part of cost_nanos that came from model_price_book
  unpriced_requests    INTEGER NOT NULL DEFAULT 0,  -- requests with tokens that have no price: never shown as free
  unpriced_tokens      INTEGER NOT NULL DEFAULT 0,
  latency_sum_ms       INTEGER NOT NULL DEFAULT 0,
  latency_max_ms       INTEGER NOT NULL DEFAULT 0,
  source               TEXT NOT NULL DEFAULT 'other',
  CONSTRAINT daily_usage_stats_key UNIQUE (date, user_id, model),
  -- not IN (…): SQLite builds a table of the list for every row that is written, which took 4 of 10 µs (measured)
  CONSTRAINT daily_usage_stats_source CHECK (source = 'rollup' OR source = 'adopted' OR source = 'other'),
  -- An integer sum that overflows becomes REAL in SQLite: refuse it, rather than lose nano-dollars. These two are never smaller than the
  -- sums beside them, and a check on every column would cost a third of the rollup's speed.
  CONSTRAINT daily_usage_stats_integers CHECK (typeof(cost_nanos) = 'integer' AND (typeof(total_tokens) <> 'real' OR source <> 'rollup'))
);
-- What a broken run left is old where the table itself still has its rows.
DELETE FROM daily_usage_stats_next WHERE EXISTS (SELECT 1 FROM daily_usage_stats);

-- An unqualified name in the inner SELECT is the old table's column where the old table has it, and else the outer row's fallback:
-- so the first run derives the exact columns from 1.0.0's, and a second run keeps what stands in them.
INSERT INTO daily_usage_stats_next (
  id, date, user_id, model, total_requests, total_tokens, total_cost, avg_latency, success_rate, created_at, updated_at,
  successes, failures, input_tokens, output_tokens, cost_nanos, estimated_cost_nanos, unpriced_requests, unpriced_tokens,
  latency_sum_ms, latency_max_ms, source
)
SELECT old.id, old.date, old.user_id, old.model, old.total_requests, old.total_tokens, old.total_cost, old.avg_latency,
       old.success_rate, old.created_at, old.updated_at,
       (SELECT successes FROM daily_usage_stats d WHERE d.rowid = old.old_rowid),
       (SELECT failures FROM daily_usage_stats d WHERE d.rowid = old.old_rowid),
       (SELECT input_tokens FROM daily_usage_stats d WHERE d.rowid = old.old_rowid),
       (SELECT output_tokens FROM daily_usage_stats d WHERE d.rowid = old.old_rowid),
       (SELECT cost_nanos FROM daily_usage_stats d WHERE d.rowid = old.old_rowid),
       (SELECT estimated_cost_nanos FROM daily_usage_stats d WHERE d.rowid = old.old_rowid),
       (SELECT unpriced_requests FROM daily_usage_stats d WHERE d.rowid = old.old_rowid),
       (SELECT unpriced_tokens FROM daily_usage_stats d WHERE d.rowid = old.old_rowid),
       (SELECT latency_sum_ms FROM daily_usage_stats d WHERE d.rowid = old.old_rowid),
       (SELECT latency_max_ms FROM daily_usage_stats d WHERE d.rowid = old.old_rowid),
       (SELECT source FROM daily_usage_stats d WHERE d.rowid = old.old_rowid)
FROM (
  SELECT rowid AS old_rowid, id, date, user_id, model, total_requests, total_tokens, total_cost, avg_latency, success_rate,
         created_at, updated_at,
         CAST(ROUND(COALESCE(success_rate, 0) * COALESCE(total_requests, 0) / 100.0) AS INTEGER) AS successes,
         COALESCE(total_requests, 0)
           - CAST(ROUND(COALESCE(success_rate, 0) * COALESCE(total_requests, 0) / 100.0) AS INTEGER) AS failures,
         0 AS input_tokens,
         0 AS output_tokens,
         CAST(ROUND(COALESCE(total_cost, 0) * 1e9) AS INTEGER) AS cost_nanos,
         0 AS estimated_cost_nanos,
         0 AS unpriced_requests,
         0 AS unpriced_tokens,
         CAST(ROUND(COALESCE(avg_latency, 0) * COALESCE(total_requests, 0)) AS INTEGER) AS latency_sum_ms,
         0 AS latency_max_ms,
         'adopted' AS source
  FROM daily_usage_stats
) AS old
WHERE NOT EXISTS (SELECT 1 FROM daily_usage_stats_next);
DROP TABLE IF EXISTS daily_usage_stats;
CREATE TABLE IF NOT EXISTS daily_usage_stats (
  id                   TEXT PRIMARY KEY,
  date                 DATE NOT NULL,
  user_id              TEXT,
  model                TEXT,
  total_requests       INTEGER DEFAULT 0,
  total_tokens         INTEGER DEFAULT 0,
  total_cost           REAL DEFAULT 0.0,            -- dollars: cost_nanos / 1e9
  avg_latency          REAL DEFAULT 0.0,            -- milliseconds: latency_sum_ms / total_requests
  success_rate         REAL DEFAULT 0.0,            -- percent, 0 to 100
  created_at           DATETIME DEFAULT CURRENT_TIMESTAMP,
  updated_at           DATETIME DEFAULT CURRENT_TIMESTAMP,
  successes            INTEGER NOT NULL DEFAULT 0,
  failures             INTEGER NOT NULL DEFAULT 0,
  input_tokens         INTEGER NOT NULL DEFAULT 0,
  output_tokens        INTEGER NOT NULL DEFAULT 0,
  cost_nanos           INTEGER NOT NULL DEFAULT 0,  -- recorded and estimated, in nano-dollars
  estimated_cost_nanos INTEGER NOT NULL DEFAULT 0,  -- the part of cost_nanos that came from model_price_book
  unpriced_requests    INTEGER NOT NULL DEFAULT 0,  -- requests with tokens that have no price: never shown as free
  unpriced_tokens      INTEGER NOT NULL DEFAULT 0,
  latency_sum_ms       INTEGER NOT NULL DEFAULT 0,
  latency_max_ms       INTEGER NOT NULL DEFAULT 0,
  source               TEXT NOT NULL DEFAULT 'other',
  CONSTRAINT daily_usage_stats_key UNIQUE (date, user_id, model),
  -- not IN (…): SQLite builds a table of the list for every row that is written, which took 4 of 10 µs (measured)
  CONSTRAINT daily_usage_stats_source CHECK (source = 'rollup' OR source = 'adopted' OR source = 'other'),
  -- An integer sum that overflows becomes REAL in SQLite: refuse it, rather than lose nano-dollars. These two are never smaller than the
  -- sums beside them, and a check on every column would cost a third of the rollup's speed.
  CONSTRAINT daily_usage_stats_integers CHECK (typeof(cost_nanos) = 'integer' AND (typeof(total_tokens) <> 'real' OR source <> 'rollup'))
);
INSERT OR IGNORE INTO daily_usage_stats (
  id, date, user_id, model, total_requests, total_tokens, total_cost, avg_latency, success_rate, created_at, updated_at,
  successes, failures, input_tokens, output_tokens, cost_nanos, estimated_cost_nanos, unpriced_requests, unpriced_tokens,
  latency_sum_ms, latency_max_ms, source
)
SELECT
  id, date, user_id, model, total_requests, total_tokens, total_cost, avg_latency, success_rate, created_at, updated_at,
  successes, failures, input_tokens, output_tokens, cost_nanos, estimated_cost_nanos, unpriced_requests, unpriced_tokens,
  latency_sum_ms, latency_max_ms, source
FROM daily_usage_stats_next
-- keys may be NULL, which UNIQUE takes for different
WHERE NOT EXISTS (
  SELECT 1 FROM daily_usage_stats AS kept
  WHERE kept.id IS daily_usage_stats_next.id AND kept.date = daily_usage_stats_next.date
    AND kept.user_id IS daily_usage_stats_next.user_id AND kept.model IS daily_usage_stats_next.model
);
DROP TABLE IF EXISTS daily_usage_stats_next;

CREATE TRIGGER IF NOT EXISTS update_daily_usage_stats_updated_at
AFTER UPDATE ON daily_usage_stats
WHEN NEW.updated_at IS OLD.updated_at
BEGIN
  UPDATE daily_usage_stats SET updated_at = CURRENT_TIMESTAMP WHERE rowid = NEW.rowid AND updated_at IS NOT CURRENT_TIMESTAMP;
END;

-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
-- The change log's triggers. There is none on INSERT: a new row costs the gateway nothing.
-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

DROP TRIGGER IF EXISTS usage_logs_log_update;
CREATE TRIGGER IF NOT EXISTS usage_logs_log_update
AFTER UPDATE OF id, user_id, model, input_tokens, output_tokens, total_tokens, cost, latency, status, created_at ON usage_logs
WHEN MIN(OLD.id, NEW.id) <= (SELECT claim FROM rollup_state WHERE purging = 0)
BEGIN
  INSERT INTO usage_changes (row_id, sign, user_id, model, input_tokens, output_tokens, total_tokens, cost, latency, status, created_at)
  SELECT OLD.id, -1, OLD.user_id, OLD.model, OLD.input_tokens, OLD.output_tokens, OLD.total_tokens, OLD.cost, OLD.latency, OLD.status, OLD.created_at
  WHERE OLD.id <= (SELECT claim FROM rollup_state);
  INSERT INTO usage_changes (row_id, sign, user_id, model, input_tokens, output_tokens, total_tokens, cost, latency, status, created_at)
  SELECT NEW.id, 1, NEW.user_id, NEW.model, NEW.input_tokens, NEW.output_tokens, NEW.total_tokens, NEW.cost, NEW.latency, NEW.status, NEW.created_at
  WHERE NEW.id <= (SELECT claim FROM rollup_state);
END;

DROP TRIGGER IF EXISTS usage_logs_log_delete;
CREATE TRIGGER IF NOT EXISTS usage_logs_log_delete
AFTER DELETE ON usage_logs
WHEN OLD.id <= (SELECT claim FROM rollup_state WHERE purging = 0)
BEGIN
  INSERT INTO usage_changes (row_id, sign, user_id, model, input_tokens, output_tokens, total_tokens, cost, latency, status, created_at)
  VALUES (OLD.id, -1, OLD.user_id, OLD.model, OLD.input_tokens, OLD.output_tokens, OLD.total_tokens, OLD.cost, OLD.latency, OLD.status, OLD.created_at);
END;

-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
-- Views: daily_usage_stats plus the rows not counted yet, so that they are up to date and no purge ever shrinks them
-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

-- The uncounted tail, a row each, by the same rules as the rollup: an odd row is left to usage_rejects.
CREATE VIEW IF NOT EXISTS usage_uncounted AS
SELECT date, user_id, model, tokens AS total_tokens, input_tokens, output_tokens, success,
       CASE WHEN cost > 0 THEN CAST(ROUND(cost * 1e9) AS INTEGER) ELSE COALESCE(estimate, 0) END AS cost_nanos,
       CASE WHEN cost > 0 THEN 0 ELSE COALESCE(estimate, 0) END AS estimated_cost_nanos,
       CASE WHEN cost > 0 THEN 0 WHEN estimate IS NULL THEN tokens ELSE tokens - input_tokens - output_tokens END AS unpriced_tokens,
       latency
FROM (
  SELECT timed.*,
         (SELECT (timed.input_tokens * b.prompt_nanos_per_1k + timed.output_tokens * b.completion_nanos_per_1k + 500) / 1000
          FROM model_price_book b
          WHERE b.model = timed.model AND b.effective_from_ms <= timed.at_ms
          ORDER BY b.effective_from_ms DESC
          LIMIT 1) AS estimate
  FROM (
    SELECT u.id, u.user_id, u.model, u.input_tokens, u.output_tokens, u.cost, u.latency,
           u.status = 'success' AS success,
           MAX(u.total_tokens, u.input_tokens + u.output_tokens) AS tokens,
           -- two written forms, other ISO 8601 offsets, Unix seconds, Unix milliseconds
           CASE
             WHEN typeof(u.created_at) = 'text' AND u.created_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*'
               -- date() takes February 31 for March 3 and hour 24 for the next day's first
               AND date(substr(u.created_at, 1, 10), '+0 days') = substr(u.created_at, 1, 10) AND substr(u.created_at, 12, 2) <> '24'
               AND instr(u.created_at, char(0)) = 0
               THEN date(u.created_at, printf('%+d seconds', s.zone_offset_seconds))
             WHEN typeof(u.created_at) IN ('integer', 'real') AND u.created_at >= 100000000 AND u.created_at < 100000000000
               THEN date(u.created_at, 'unixepoch', printf('%+d seconds', s.zone_offset_seconds))
             WHEN typeof(u.created_at) IN ('integer', 'real') AND u.created_at >= 100000000000 AND u.created_at < 100000000000000
               THEN date(u.created_at / 1000, 'unixepoch', printf('%+d seconds', s.zone_offset_seconds))
           END AS date,
           CASE
             WHEN typeof(u.created_at) = 'text' THEN CAST(strftime('%s', u.created_at) AS INTEGER) * 1000
             WHEN u.created_at < 100000000000 THEN CAST(u.created_at * 1000 AS INTEGER)
             ELSE CAST(u.created_at AS INTEGER)
           END AS at_ms
    FROM rollup_state s
    JOIN usage_logs u ON u.id > s.cursor  -- the whole tail, by the primary key
    WHERE s.id = 1
      AND NOT COALESCE(u.id <= s.batch_end AND (u.user_id, u.model) <= (s.applied_user, s.applied_model), 0)
      AND typeof(u.user_id) = 'text' AND length(CAST(u.user_id AS BLOB)) <= 1024 AND instr(u.user_id, char(0)) = 0
      AND typeof(u.model) = 'text' AND length(CAST(u.model AS BLOB)) <= 1024 AND instr(u.model, char(0)) = 0
      AND typeof(u.input_tokens) = 'integer' AND u.input_tokens BETWEEN 0 AND 1000000000000
      AND typeof(u.output_tokens) = 'integer' AND u.output_tokens BETWEEN 0 AND 1000000000000
      AND typeof(u.total_tokens) = 'integer' AND u.total_tokens BETWEEN 0 AND 1000000000000
      AND typeof(u.cost) = 'real' AND u.cost BETWEEN 0 AND 1000000
      AND typeof(u.latency) = 'integer' AND u.latency BETWEEN 0 AND 1000000000
  ) AS timed
  WHERE timed.date >= '0000-01-01'
    AND NOT EXISTS (SELECT 1 FROM usage_days d WHERE d.date = timed.date AND d.adopted_through >= timed.id)
)
WHERE COALESCE(estimate, 0) <= 1000000000000000;

-- Daily figures per user and model, counted and uncounted; a key may have a row of each kind, so sum over it.
CREATE VIEW IF NOT EXISTS usage_daily AS
SELECT d.date, d.user_id, d.model, d.total_requests, d.successes, d.total_tokens, d.input_tokens, d.output_tokens,
       d.cost_nanos, d.estimated_cost_nanos, d.unpriced_requests, d.unpriced_tokens, d.latency_sum_ms, d.latency_max_ms
FROM daily_usage_stats d
-- what 1.0.0 left is shown only once it has been judged day by day: until then the same usage is in the tail
WHERE d.source = 'rollup' OR (SELECT adopted FROM rollup_state WHERE id = 1) = 1
UNION ALL
SELECT date, user_id, model, 1, success, total_tokens, input_tokens, output_tokens,
       cost_nanos, estimated_cost_nanos, unpriced_tokens > 0, unpriced_tokens, latency, latency
FROM usage_uncounted;

CREATE VIEW IF NOT EXISTS user_usage_summary AS
SELECT user_id,
       date,
       SUM(total_requests) AS total_requests,
       SUM(total_tokens) AS total_tokens,
       SUM(cost_nanos) / 1e9 AS total_cost,
       CAST(SUM(latency_sum_ms) AS REAL) / SUM(total_requests) AS avg_latency,
       100.0 * SUM(successes) / SUM(total_requests) AS success_rate,
       COUNT(DISTINCT model) AS unique_models
FROM usage_daily
GROUP BY user_id, date;

CREATE VIEW IF NOT EXISTS model_usage_stats AS
SELECT model,
       SUM(total_requests) AS total_requests,
       SUM(total_tokens) AS total_tokens,
       SUM(cost_nanos) / 1e9 AS total_cost,
       CAST(SUM(latency_sum_ms) AS REAL) / SUM(total_requests) AS avg_latency,
       100.0 * SUM(successes) / SUM(total_requests) AS success_rate,
       COUNT(DISTINCT user_id) AS unique_users
FROM usage_daily
GROUP BY model;

CREATE VIEW IF NOT EXISTS daily_usage_trends AS
SELECT date,
       SUM(total_requests) AS total_requests,
       SUM(total_tokens) AS total_tokens,
       SUM(cost_nanos) / 1e9 AS total_cost,
       CAST(SUM(latency_sum_ms) AS REAL) / SUM(total_requests) AS avg_latency,
       COUNT(DISTINCT user_id) AS unique_users,
       COUNT(DISTINCT model) AS unique_models,
       100.0 * SUM(successes) / SUM(total_requests) AS success_rate
FROM usage_daily
GROUP BY date;

-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
-- Indexes that another one or a key already covers
-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
-- Each costs the gateway's INSERT a page or two, and answers nothing that the other does not.
DROP INDEX IF EXISTS idx_usage_logs_request_id;       -- UNIQUE (request_id)
-- Not covered, but it misleads: the documented cost-by-model query takes it and walks the whole table (240 ms against 45 ms by
-- idx_usage_logs_created_at, of 400,000 rows), and totals by model are in daily_usage_stats.
DROP INDEX IF EXISTS idx_usage_logs_model;
DROP INDEX IF EXISTS idx_model_pricing_model;         -- UNIQUE (model)
DROP INDEX IF EXISTS idx_api_keys_key_hash;           -- UNIQUE (key_hash)
DROP INDEX IF EXISTS idx_user_sessions_token_hash;    -- UNIQUE (token_hash)
DROP INDEX IF EXISTS idx_feature_flags_flag_name;     -- UNIQUE (flag_name)
DROP INDEX IF EXISTS idx_rate_limits_user_id;         -- idx_rate_limits_user_window begins with user_id
DROP INDEX IF EXISTS idx_conversations_user_id;       -- idx_conversations_user_updated begins with user_id
DROP INDEX IF EXISTS idx_messages_conversation_id;    -- idx_messages_conversation_created begins with conversation_id
DROP INDEX IF EXISTS idx_system_metrics_metric_name;  -- idx_system_metrics_name_timestamp begins with metric_name
-- Gone with the old daily_usage_stats: its index on date (the key begins with date) and the one on user_id (no documented query asks the
-- table by user alone; it would cost the rollup a fourth tree to write).

-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
-- Version and history. The version's row is the newest, because the documented query takes the newest row for the version.
-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
INSERT OR IGNORE INTO schema_metadata (key, value) VALUES ('schema_version', '1.1.0');
UPDATE schema_metadata SET value = '1.1.0', created_at = CURRENT_TIMESTAMP WHERE key = 'schema_version';
INSERT OR IGNORE INTO schema_metadata (key, value, created_at)
SELECT 'last_migration', '002_exact_rollup', datetime(created_at, '-1 second') FROM schema_metadata WHERE key = 'schema_version';
UPDATE schema_metadata SET value = '002_exact_rollup' WHERE key = 'last_migration';
INSERT OR IGNORE INTO schema_migrations (migration_name, checksum, execution_time_ms) VALUES ('002_exact_rollup', '', 0);
