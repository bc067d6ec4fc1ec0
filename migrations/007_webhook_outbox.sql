-- 007_webhook_outbox: schema 1.6.0. Events that are to be told to endpoints, what is queued for each endpoint, and every attempt.
--
-- Needs 002. Every statement is safe to run twice, in the sqlite3 shell (3.40 and later) and through D1.

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
INSERT OR IGNORE INTO webhook_outbox (id) VALUES (1);

-- what is due for one endpoint, the longest first; nothing that is settled is in it
CREATE INDEX IF NOT EXISTS idx_webhook_deliveries_due ON webhook_deliveries (webhook_id, next_attempt_at) WHERE state = 'pending';
-- what a process that is gone had claimed
CREATE INDEX IF NOT EXISTS idx_webhook_deliveries_claimed ON webhook_deliveries (claim) WHERE state = 'claimed';
-- dead letters of one endpoint
CREATE INDEX IF NOT EXISTS idx_webhook_deliveries_dead ON webhook_deliveries (webhook_id) WHERE state = 'dead';

-- Version and history. The version's row is the newest, because the documented query takes the newest row for the version.
INSERT OR IGNORE INTO schema_metadata (key, value) VALUES ('schema_version', '1.6.0');
UPDATE schema_metadata SET value = '1.6.0', created_at = CURRENT_TIMESTAMP WHERE key = 'schema_version';
INSERT OR IGNORE INTO schema_metadata (key, value, created_at)
SELECT 'last_migration', '007_webhook_outbox', datetime(created_at, '-1 second') FROM schema_metadata WHERE key = 'schema_version';
UPDATE schema_metadata SET value = '007_webhook_outbox' WHERE key = 'last_migration';
INSERT OR IGNORE INTO schema_migrations (migration_name, checksum, execution_time_ms) VALUES ('007_webhook_outbox', '', 0);
