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
        package let record: EndpointRecord?
        package let pending: Int
        package let claimed: Int
        package let dead: Int
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
        package let nextAttempt: Instant?
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
                           (SELECT COUNT(*) FROM webhook_deliveries d WHERE d.webhook_id = w.id AND d.state = 'claimed'),
                           (SELECT COUNT(*) FROM webhook_deliveries d WHERE d.webhook_id = w.id AND d.state = 'dead'),
                           (SELECT MIN(next_attempt_at) FROM webhook_deliveries d WHERE d.webhook_id = w.id AND d.state = 'pending')
                    FROM webhooks w
                    WHERE w.id IS NOT NULL
                      AND (:user IS NULL OR w.user_id = :user)
                      AND (:endpoint IS NULL OR w.id = :endpoint)
                    ORDER BY w.user_id, w.id
                    """, arguments: ["user": user, "endpoint": endpoint]
            ).map { row in
                Endpoint(
                    id: row[0], user: row[1] ?? "", url: row[2], events: row[3], isActive: row[4] ?? false,
                    secret: Secret(row[5]), record: try EndpointRecord.read(db, row[0]), pending: row[7],
                    claimed: row[8], dead: row[9], nextAttempt: Self.instant(row[10]), lastDelivery: row[6])
            }
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
        d.reason, d.created_at, d.settled_at
        """

    private static func delivery(_ row: Row) -> Delivery {
        Delivery(
            id: row[0], event: row[1], type: row[2], endpoint: row[3],
            state: Outbox.DeliveryState(rawValue: row[4]) ?? .dead, attempts: row[5], nextAttempt: instant(row[6]),
            reason: row[7], createdAt: instant(row[8]) ?? .epoch, settledAt: instant(row[9]))
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
