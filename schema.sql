-- schema.sql: the whole usage database at schema 1.7.0, for a new file.
--
--   sqlite3 new.db < schema.sql
--
-- Gives what migrations/001_initial_schema.sql and the numbered files after it give, and a test holds the three together. A database that
-- exists already is brought here by `tallyd migrate` or by those files, not by this one.
-- Runs in the sqlite3 shell (3.40 and later) and through D1's execute. Every statement, and the whole file, is safe to run twice.
--
-- Times are text in UTC. The gateway writes them as 2026-11-23T22:31:07.123Z, the defaults as 2026-11-23 22:31:07: both are valid, but
-- as text they do not sort together. A bare date (2026-11-23) compares rightly with both. Every DATETIME has a default, save
-- webhooks.last_delivery_at, so a key that never expires must say NULL, and may not leave expires_at out.
-- is_active has no check anywhere: clients write TRUE, 1 and 'true'.
-- Columns that end in _ms hold Unix milliseconds or milliseconds, in _us microseconds, in _nanos nano-dollars, all as integers.

-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
-- Usage: what was asked, of which model, and what it cost. The gateway writes usage_logs and model_pricing.
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

-- One row a user, model and day, with the id user_id-model-date. The first eleven columns are 1.0.0's and mean what they meant, the rest
-- holds the exact integers that they are computed from.
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
-- The rollup: how usage_logs becomes daily_usage_stats, each row counted once. tallyd writes these.
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

-- Days to be derived again from raw: for what is no sum (a greatest latency that a correction may have taken back, a first price for
-- usage that had none), and for `tallyd rollup rebuild`. The generation tells a mark that came while the day was being derived.
CREATE TABLE IF NOT EXISTS rollup_dirty_days (
  date       TEXT PRIMARY KEY NOT NULL,
  generation INTEGER NOT NULL DEFAULT 1
) WITHOUT ROWID;

-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
-- The daemon: who may write, and what ran
-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

-- Who may write. Every job's write checks the term in its own transaction; whoever takes the lease raises it.
CREATE TABLE IF NOT EXISTS tallyd_lease (
  id             INTEGER PRIMARY KEY CONSTRAINT tallyd_lease_one_row CHECK (id = 1),
  term           INTEGER NOT NULL DEFAULT 0,
  holder         TEXT,
  acquired_at_ms INTEGER NOT NULL DEFAULT 0
);

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

-- A job that has a row here is not started by its schedule; `tallyd jobs pause` writes it and `tallyd jobs resume` removes it.
CREATE TABLE IF NOT EXISTS job_pauses (
  job          TEXT PRIMARY KEY NOT NULL,
  paused_at_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
-- Retention: whose rows go when, which must stay, and what a run waits for
-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

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

-- Files that are being written: noted before the first byte, and forgotten in the transaction that puts the archive on record. What a crash leaves
-- behind is so found by an erasure, which else goes by what is on record. No row was removed for such a file.
CREATE TABLE IF NOT EXISTS archive_drafts (
  path TEXT PRIMARY KEY NOT NULL
) WITHOUT ROWID;

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

-- What happened. The gateway inserts user_id, event_type and payload, in the transaction of what it tells of; tallyd's own jobs do the same.
-- Nothing is checked here: an odd row must not undo the gateway's transaction. It becomes a dead letter, with its reason.
CREATE TABLE IF NOT EXISTS webhook_events (
  seq        INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order of arrival, and the cursor's measure: a removed row's number must not come again
  id         TEXT NOT NULL DEFAULT ('evt_' || lower(hex(randomblob(16)))),  -- the webhook-id header, the same over all retries
  user_id    TEXT,                               -- whose endpoints are told, beside the operators'; NULL: the operators' alone
  event_type TEXT NOT NULL,
  payload    TEXT NOT NULL,                      -- JSON; under that name SQLite would make a number of 1.50, and 1.5 would be sent
  created_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)),
  CONSTRAINT webhook_events_id UNIQUE (id)
);

-- One row an event and subscribed endpoint. A claim is a process's right to attempt it: whoever writes an outcome names the claim, and changes nothing
-- once it is another's.
CREATE TABLE IF NOT EXISTS webhook_deliveries (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  event_seq       INTEGER NOT NULL,
  webhook_id      TEXT,                        -- NULL: the event itself can't be told to anybody
  user_id         TEXT,                        -- the event's
  state           TEXT NOT NULL DEFAULT 'pending',
  attempt         INTEGER NOT NULL DEFAULT 0,  -- attempts made, of all times
  retry           INTEGER NOT NULL DEFAULT 0,  -- of them, those that failed since it was queued or replayed: where it stands in the schedule
  next_attempt_at INTEGER,
  claim           INTEGER,
  reason          TEXT,                        -- why it is dead, or why the last attempt failed
  created_at      INTEGER NOT NULL,
  settled_at      INTEGER,
  CONSTRAINT webhook_deliveries_once UNIQUE (event_seq, webhook_id),
  CONSTRAINT webhook_deliveries_state CHECK (state IN ('pending', 'claimed', 'delivered', 'dead')),
  CONSTRAINT webhook_deliveries_claim CHECK ((state = 'claimed') = (claim IS NOT NULL)),
  CONSTRAINT webhook_deliveries_next CHECK ((state = 'pending') = (next_attempt_at IS NOT NULL)),
  CONSTRAINT webhook_deliveries_settled CHECK ((state IN ('delivered', 'dead')) = (settled_at IS NOT NULL)),
  CONSTRAINT webhook_deliveries_dead CHECK (state <> 'dead' OR reason IS NOT NULL),
  CONSTRAINT webhook_deliveries_nobody CHECK (webhook_id IS NOT NULL OR state = 'dead')
);

-- Every attempt that was made, and what came of it.
CREATE TABLE IF NOT EXISTS webhook_attempts (
  id          INTEGER PRIMARY KEY,
  delivery_id INTEGER NOT NULL,
  user_id     TEXT,     -- the event's
  attempt     INTEGER NOT NULL,
  started_at  INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  status      INTEGER,  -- of the response; NULL: there was none
  reason      TEXT,     -- why it failed, by its stable name; NULL: it was delivered
  error       TEXT,     -- the same in a sentence
  address     TEXT,     -- that was connected to
  head        TEXT,     -- of the response, 16 KiB at most
  body        BLOB,     -- its first 4 KiB
  CONSTRAINT webhook_attempts_number UNIQUE (delivery_id, attempt)
);

-- What tallyd knows of an endpoint beside its row in webhooks: how it is doing, and how it wants its messages.
CREATE TABLE IF NOT EXISTS webhook_endpoints (
  webhook_id         TEXT PRIMARY KEY NOT NULL,
  standing           TEXT NOT NULL DEFAULT 'enabled',
  standing_since     INTEGER,
  next_probe_at      INTEGER,
  failing_since      INTEGER,
  failed_attempts    INTEGER NOT NULL DEFAULT 0,
  failed_probes      INTEGER NOT NULL DEFAULT 0,
  breaker_open_until INTEGER,
  breaker_failures   INTEGER NOT NULL DEFAULT 0,
  breaker_openings   INTEGER NOT NULL DEFAULT 0,
  url_sha256         TEXT,     -- of the url that secret_sha256 was first used for
  secret_sha256      TEXT,
  former_secrets     JSON NOT NULL DEFAULT '[]',  -- [{"secret": …, "until": ms}]: still sign beside the present one
  format             TEXT NOT NULL DEFAULT 'standard',
  is_ordered         BOOLEAN NOT NULL DEFAULT FALSE,
  max_in_flight      INTEGER,  -- NULL: the setting's
  rate_per_second    REAL,     -- NULL: the setting's
  CONSTRAINT webhook_endpoints_standing CHECK (standing IN ('enabled', 'failing', 'gone', 'switched_off', 'url_changed')),
  CONSTRAINT webhook_endpoints_format CHECK (format IN ('standard', 'cloudevents')),
  CONSTRAINT webhook_endpoints_former CHECK (json_valid(former_secrets)),
  CONSTRAINT webhook_endpoints_limits CHECK (COALESCE(max_in_flight, 1) >= 1 AND COALESCE(rate_per_second, 1) > 0)
);

-- Up to which event every one has been queued for its endpoints, and what tells the daemon of commands: a table of one row.
CREATE TABLE IF NOT EXISTS webhook_outbox (
  id         INTEGER PRIMARY KEY,
  fanned_out INTEGER NOT NULL DEFAULT 0,
  revision   INTEGER NOT NULL DEFAULT 0,  -- raised by whoever changes webhook_endpoints or replays, other than the daemon: it then reads them anew
  CONSTRAINT webhook_outbox_one CHECK (id = 1)
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

-- Endpoints only: what is sent to them stands elsewhere.
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
-- Indexes, each with what it is for. What a UNIQUE key or a longer index answers has none of its own: a usage row is looked up by its
-- request by UNIQUE (request_id), a daily row by UNIQUE (date, user_id, model), keys, tokens, prices and flags by theirs.
-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

-- one user's requests
CREATE INDEX IF NOT EXISTS idx_usage_logs_user_id ON usage_logs (user_id);
-- the requests of a time
CREATE INDEX IF NOT EXISTS idx_usage_logs_created_at ON usage_logs (created_at);
-- the window that a request falls into
CREATE INDEX IF NOT EXISTS idx_rate_limits_user_window ON rate_limits (user_id, window_type, window_end);
-- the windows of a time
CREATE INDEX IF NOT EXISTS idx_rate_limits_window_start ON rate_limits (window_start);

-- one user's keys
CREATE INDEX IF NOT EXISTS idx_api_keys_user_id ON api_keys (user_id);

-- one user's sessions
CREATE INDEX IF NOT EXISTS idx_user_sessions_user_id ON user_sessions (user_id);
-- the sessions that have ended
CREATE INDEX IF NOT EXISTS idx_user_sessions_expires_at ON user_sessions (expires_at);

-- a user's conversations, latest first
CREATE INDEX IF NOT EXISTS idx_conversations_user_updated ON conversations (user_id, updated_at);

-- a conversation's messages in order, and the foreign key's cascade, which would scan the table without it
CREATE INDEX IF NOT EXISTS idx_messages_conversation_created ON messages (conversation_id, created_at);
-- one user's messages
CREATE INDEX IF NOT EXISTS idx_messages_user_id ON messages (user_id);

-- one user's endpoints
CREATE INDEX IF NOT EXISTS idx_webhooks_user_id ON webhooks (user_id);

-- what is due for one endpoint, the longest first; nothing that is settled is in it
CREATE INDEX IF NOT EXISTS idx_webhook_deliveries_due ON webhook_deliveries (webhook_id, next_attempt_at) WHERE state = 'pending';
-- what a process that is gone had claimed
CREATE INDEX IF NOT EXISTS idx_webhook_deliveries_claimed ON webhook_deliveries (claim) WHERE state = 'claimed';
-- dead letters of one endpoint
CREATE INDEX IF NOT EXISTS idx_webhook_deliveries_dead ON webhook_deliveries (webhook_id) WHERE state = 'dead';

-- what one user did
CREATE INDEX IF NOT EXISTS idx_audit_logs_user_id ON audit_logs (user_id);
-- one kind of action
CREATE INDEX IF NOT EXISTS idx_audit_logs_action ON audit_logs (action);
-- latest first: the documented search for '%error%' can use no index on action, but reads in this order and sorts nothing
CREATE INDEX IF NOT EXISTS idx_audit_logs_created_at ON audit_logs (created_at);

-- the metrics of a time, whatever their name
CREATE INDEX IF NOT EXISTS idx_system_metrics_timestamp ON system_metrics (timestamp);
-- one metric over time
CREATE INDEX IF NOT EXISTS idx_system_metrics_name_timestamp ON system_metrics (metric_name, timestamp);

-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
-- Triggers. There is none on INSERT: a new row costs the gateway nothing.
-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

-- updated_at tells of every UPDATE. An UPDATE that sets it itself is left alone, and so is a row that says this very second already:
-- under PRAGMA recursive_triggers a trigger that writes the same value again would fire for ever.

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

-- The change log: what happens to a counted row afterwards is written down, for the rollup to make good.
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

-- The three tables of one row.
INSERT OR IGNORE INTO rollup_state (id) VALUES (1);
INSERT OR IGNORE INTO webhook_outbox (id) VALUES (1);
INSERT OR IGNORE INTO tallyd_lease (id) VALUES (1);

-- The first prices hold for all time before them. A model that is in the book keeps what it has there.
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

-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
-- Version and history. The documented query takes the newest row for the version, so all other rows are dated a second before it,
-- whenever they are entered.
-- ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

INSERT OR IGNORE INTO schema_metadata (key, value) VALUES ('schema_version', '1.7.0');
INSERT OR IGNORE INTO schema_metadata (key, value, created_at)
WITH facts (key, value) AS (
  VALUES
    ('created_date', DATE('now')),
    ('description', 'Usage, keys, conversations and settings of an OpenAI-compatible gateway'),
    ('compatible_with', '1.0.0'),
    ('last_migration', '008_archive_drafts')
)
SELECT facts.key, facts.value, DATETIME(version.created_at, '-1 second')
FROM facts
JOIN schema_metadata AS version ON version.key = 'schema_version';

-- Only for the version that this file makes: a database that came here with another one has its migrations still before it.
INSERT OR IGNORE INTO schema_migrations (migration_name, checksum, execution_time_ms)
SELECT column1, '', 0
FROM (VALUES ('001_initial_schema'), ('002_exact_rollup'), ('003_job_pauses'), ('004_retention'), ('005_archives'), ('006_erasures'),
             ('007_webhook_outbox'), ('008_archive_drafts'))
WHERE EXISTS (SELECT 1 FROM schema_metadata WHERE key = 'schema_version' AND value = '1.7.0');
