package import Foundation
import GRDB
package import Scheduling
package import Webhooks

/// What people ask about the outbox: the newest first, from one snapshot each.
package struct OutboxReport: Sendable {
    let store: Store

    package init(store: Store) { self.store = store }

    /// What can be said of an endpoint's secret without it.
    package enum Secret: Sendable, Equatable {
        case none
        case usable(SignatureScheme)
        case malformed(Defect)

        init(_ text: String?) {
            guard let text else {
                self = .none
                return
            }
            do throws(Defect) {
                self = .usable(try WebhookSecret(text).scheme)
            } catch {
                self = .malformed(error)
            }
        }
    }

    package struct Endpoint: Sendable {
        package let id: String
        package let user: String
        /// As it stands in webhooks: a query may hold a receiver's token, so it is not for printing as it is.
        package let url: String?
        package let events: String?
        package let isActive: Bool
        package let secret: Secret
        /// As the next delivery will find it: with the present url and secret taken in.
        package let record: EndpointRecord?
        package let pending: Int
        package let claimed: Int
        package let dead: Int
        /// Why its newest dead letter is one.
        package let lastDead: (reason: String, at: Instant)?
        package let nextAttempt: Instant?
        package let lastDelivery: String?
    }

    package struct Event: Sendable {
        package let id: String
        package let user: String?
        package let type: String
        package let createdAt: Instant
        package let payload: String
        /// Whether it has been queued for whoever wants it.
        package let isFannedOut: Bool
        package let deliveries: [Outbox.DeliveryState: Int]
    }

    package struct Delivery: Sendable {
        package let id: Int64
        package let event: String?
        package let type: String?
        package let endpoint: String?
        package let state: Outbox.DeliveryState
        package let attempts: Int
        /// Not before its endpoint may be told again. Nil where none is planned; past where it is under way.
        package let nextAttempt: Instant?
        /// Whether it waits for somebody to say that its endpoint's new url is meant.
        package let isHeld: Bool
        package let reason: String?
        package let createdAt: Instant
        package let settledAt: Instant?
    }

    package struct Attempt: Sendable {
        package let delivery: Int64
        package let number: Int
        package let startedAt: Instant
        package let milliseconds: Int64
        package let status: Int?
        package let reason: String?
        package let error: String?
        package let address: String?
        package let head: String?
        package let body: Data?
    }

    package func endpoints(user: String? = nil, endpoint: String? = nil) async throws -> [Endpoint] {
        try await store.read("read the endpoints of") { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT CAST(w.id AS TEXT), CAST(w.user_id AS TEXT), CAST(w.url AS TEXT), CAST(w.events AS TEXT),
                           lower(CAST(w.is_active AS TEXT)) IN ('1', 'true'), CAST(w.secret AS TEXT),
                           CAST(w.last_delivery_at AS TEXT),  -- clients write numbers, too
                           (SELECT COUNT(*) FROM webhook_deliveries d WHERE d.webhook_id = w.id AND d.state = 'pending'),
                           COALESCE(claimed.count, 0),
                           (SELECT COUNT(*) FROM webhook_deliveries d WHERE d.webhook_id = w.id AND d.state = 'dead'),
                           (SELECT MIN(next_attempt_at) FROM webhook_deliveries d WHERE d.webhook_id = w.id AND d.state = 'pending'),
                           -- the key stands behind the column of idx_webhook_deliveries_dead
                           (SELECT MAX(id) FROM webhook_deliveries d WHERE d.webhook_id = w.id AND d.state = 'dead')
                    FROM webhooks w
                    -- the index of what is claimed does not go by endpoint
                    LEFT JOIN (
                      SELECT webhook_id, COUNT(*) AS count
                      FROM webhook_deliveries
                      WHERE state = 'claimed'
                      GROUP BY webhook_id
                    ) AS claimed ON claimed.webhook_id = w.id
                    WHERE w.id IS NOT NULL
                      AND (:user IS NULL OR w.user_id = :user)
                      AND (:endpoint IS NULL OR w.id = :endpoint)
                    ORDER BY w.user_id, w.id
                    """, arguments: ["user": user, "endpoint": endpoint]
            ).map { row in
                var record = try EndpointRecord.read(db, row[0])
                if let url: String = row[2] { _ = record?.takeIn(url: url, secret: row[5]) }
                let claimed: Int = row[8]
                let next =
                    record.flatMap { Self.notBefore(Self.instant(row[10]), $0) } ?? Self.instant(row[10])
                    ?? (claimed > 0 ? record?.waitsUntil : nil)
                return Endpoint(
                    id: row[0], user: row[1] ?? "", url: row[2], events: row[3], isActive: row[4] ?? false,
                    secret: Secret(row[5]), record: record, pending: row[7], claimed: claimed, dead: row[9],
                    lastDead: try Self.end(row[11], db), nextAttempt: next, lastDelivery: row[6])
            }
        }
    }

    private static func end(_ delivery: Int64?, _ db: Database) throws -> (reason: String, at: Instant)? {
        guard let delivery else { return nil }
        return try Row.fetchOne(
            db, sql: "SELECT reason, settled_at FROM webhook_deliveries WHERE id = ?", arguments: [delivery]
        ).map { ($0[0] ?? "", instant($0[1]) ?? .epoch) }
    }

    /// A delivery's own time, or that of its endpoint where it is later.
    private static func notBefore(_ next: Instant?, _ endpoint: EndpointRecord) -> Instant? {
        guard var next else { return nil }
        if case .wait(let until) = endpoint.health.admission(at: next) { next = until }
        return max(next, endpoint.waitsUntil ?? next)
    }

    /// The whole queue in a few figures.
    package struct Summary: Sendable {
        package let endpoints: Int
        /// Of them, those that were disabled: by failures, by a 410, by hand, or until somebody says that a new url is meant.
        package let disabled: Int
        /// Not made deliveries of yet.
        package let events: Int
        package let queued: Int
        package let dead: Int
    }

    package func summary() async throws -> Summary {
        try await store.read("read the webhooks of") { db in
            let row = try Row.fetchOne(
                db,
                sql: """
                    SELECT (SELECT COUNT(*) FROM webhooks WHERE id IS NOT NULL),
                           (SELECT COUNT(*) FROM webhook_endpoints WHERE standing <> 'enabled' AND webhook_id IN (SELECT id FROM webhooks)),
                           (SELECT COUNT(*) FROM webhook_events WHERE seq > (SELECT fanned_out FROM webhook_outbox WHERE id = 1)),
                           (SELECT COUNT(*) FROM webhook_deliveries WHERE state = 'pending')
                             + (SELECT COUNT(*) FROM webhook_deliveries WHERE state = 'claimed'),
                           (SELECT COUNT(*) FROM webhook_deliveries WHERE state = 'dead')
                    """)
            return Summary(
                endpoints: row?[0] ?? 0, disabled: row?[1] ?? 0, events: row?[2] ?? 0, queued: row?[3] ?? 0,
                dead: row?[4] ?? 0)
        }
    }

    package func events(_ selection: Outbox.Selection, limit: Int) async throws -> [Event] {
        try await store.read("read the webhook events of") { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT CAST(id AS TEXT), CAST(user_id AS TEXT), CAST(event_type AS TEXT), created_at, CAST(payload AS TEXT), seq,
                           seq <= (SELECT fanned_out FROM webhook_outbox WHERE id = 1)
                    FROM webhook_events
                    WHERE (:event IS NULL OR id = :event)
                      AND (:user IS NULL OR user_id = :user)
                      AND (:type IS NULL OR event_type = :type)
                      AND (:group IS NULL OR substr(event_type, 1, length(:group)) = :group)
                      AND (:from IS NULL OR created_at >= :from)
                      AND (:until IS NULL OR created_at < :until)
                    ORDER BY seq DESC
                    LIMIT :limit
                    """,
                arguments: [
                    "event": selection.event, "user": selection.user, "type": selection.type,
                    "group": selection.group,
                    "from": selection.from?.milliseconds, "until": selection.until?.milliseconds, "limit": limit,
                ]
            ).map { row in
                let counts = try Row.fetchAll(
                    db, sql: "SELECT state, COUNT(*) FROM webhook_deliveries WHERE event_seq = ? GROUP BY state",
                    arguments: [row[5] as Int64])
                let pairs = counts.compactMap { count in
                    Outbox.DeliveryState(rawValue: count[0]).map { ($0, count[1] as Int) }
                }
                return Event(
                    id: row[0] ?? "", user: row[1], type: row[2] ?? "", createdAt: Self.instant(row[3]) ?? .epoch,
                    payload: row[4] ?? "", isFannedOut: row[6] ?? false,
                    deliveries: Dictionary(uniqueKeysWithValues: pairs))
            }
        }
    }

    package func deliveries(_ selection: Outbox.Selection, limit: Int) async throws -> [Delivery] {
        try await store.read("read the webhook deliveries of") { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT \(Self.deliveryColumns)
                    FROM webhook_deliveries d
                    LEFT JOIN webhook_events e ON e.seq = d.event_seq
                    LEFT JOIN webhook_endpoints p ON p.webhook_id = d.webhook_id
                    WHERE d.id > :after AND \(Outbox.condition)
                    ORDER BY d.id DESC
                    LIMIT :limit
                    """,
                arguments: Outbox.arguments(selection, after: 0) + ["limit": limit]
            ).map(Self.delivery)
        }
    }

    package func attempts(_ selection: Outbox.Selection, limit: Int) async throws -> [Attempt] {
        try await store.read("read the webhook attempts of") { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT \(Self.attemptColumns)
                    FROM webhook_attempts a
                    JOIN webhook_deliveries d ON d.id = a.delivery_id
                    LEFT JOIN webhook_events e ON e.seq = d.event_seq
                    WHERE d.id > :after AND \(Outbox.condition)
                    ORDER BY a.id DESC
                    LIMIT :limit
                    """,
                arguments: Outbox.arguments(selection, after: 0) + ["limit": limit]
            ).map(Self.attempt)
                // As they are written down: those that fail later than those that arrive.
                .sorted { ($0.startedAt, $0.delivery, $0.number) > ($1.startedAt, $1.delivery, $1.number) }
        }
    }

    /// One delivery with its latest attempt, found by their keys: for whoever asks again and again. Nil when it is gone.
    package func progress(of delivery: Int64) async throws -> (delivery: Delivery, attempt: Attempt?)? {
        try await store.read("read a webhook delivery of") { db in
            let row = try Row.fetchOne(
                db.cachedStatement(
                    sql: """
                        SELECT \(Self.deliveryColumns)
                        FROM webhook_deliveries d
                        LEFT JOIN webhook_events e ON e.seq = d.event_seq
                        LEFT JOIN webhook_endpoints p ON p.webhook_id = d.webhook_id
                        WHERE d.id = ?
                        """),
                arguments: [delivery])
            guard let row else { return nil }
            let attempt = try Row.fetchOne(
                db.cachedStatement(
                    sql: """
                        SELECT \(Self.attemptColumns)
                        FROM webhook_attempts a
                        WHERE a.delivery_id = ?
                        ORDER BY a.attempt DESC
                        LIMIT 1
                        """),
                arguments: [delivery])
            return (Self.delivery(row), attempt.map(Self.attempt))
        }
    }

    private static let deliveryColumns = """
        d.id, CAST(e.id AS TEXT), CAST(e.event_type AS TEXT), d.webhook_id, d.state, d.attempt, d.next_attempt_at,
        d.reason, d.created_at, d.settled_at,
        CASE p.standing
          WHEN 'failing' THEN p.next_probe_at
          WHEN 'enabled' THEN MAX(COALESCE(p.next_probe_at, 0), COALESCE(p.breaker_open_until, 0))
        END,
        d.state = 'pending' AND p.standing = 'url_changed',
        d.state = 'claimed' AND p.standing = 'enabled' AND p.next_probe_at IS NOT NULL
        """

    private static func delivery(_ row: Row) -> Delivery {
        let (next, endpointsNext) = (instant(row[6]), instant(row[10]))
        let isHeld: Bool = row[11] ?? false
        return Delivery(
            id: row[0], event: row[1], type: row[2], endpoint: row[3],
            state: Outbox.DeliveryState(rawValue: row[4]) ?? .dead, attempts: row[5],
            // Of an ordered endpoint the one in front stays claimed while it waits.
            nextAttempt: isHeld ? nil : row[12] ?? false ? endpointsNext : next.map { max($0, endpointsNext ?? $0) },
            isHeld: isHeld, reason: row[7],
            createdAt: instant(row[8]) ?? .epoch, settledAt: instant(row[9]))
    }

    private static let attemptColumns =
        "a.delivery_id, a.attempt, a.started_at, a.duration_ms, a.status, a.reason, a.error, a.address, a.head, a.body"

    private static func attempt(_ row: Row) -> Attempt {
        Attempt(
            delivery: row[0], number: row[1], startedAt: instant(row[2]) ?? .epoch, milliseconds: row[3],
            status: row[4], reason: row[5], error: row[6], address: row[7], head: row[8], body: row[9])
    }

    private static func instant(_ value: DatabaseValue) -> Instant? {
        Int64.fromDatabaseValue(value).map { Instant(milliseconds: $0) }
    }
}

extension Instant {
    fileprivate static let epoch = Instant(milliseconds: 0)
}
