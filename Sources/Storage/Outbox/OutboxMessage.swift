import GRDB
package import Scheduling

/// All that is needed to send a delivery, as it stands at that moment.
package struct OutboxMessage: Sendable {
    package let id: String
    package let type: String
    /// The body, byte for byte as the gateway wrote it.
    package let payload: String
    package let createdAt: Instant
    package let user: String?
}

/// An endpoint as it stands at that moment.
package struct OutboxEndpoint: Sendable {
    package let url: String?
    /// As `webhooks.secret` has it. Not for a log, an error or a row of attempts.
    package let secret: String?
    package let isActive: Bool
    package let record: EndpointRecord?
}

/// What was found of claimed deliveries.
package struct OutboxLoad: Sendable {
    /// By delivery; one that is missing here has lost its event.
    package var messages: [Int64: OutboxMessage] = [:]
    /// By id; one that is missing here was deleted.
    package var endpoints: [String: OutboxEndpoint] = [:]
    /// Of commands, as the snapshot has it.
    package var revision: Int64 = 0
}

extension Outbox {
    /// Reads what is to be sent, and to whom, from one snapshot.
    package func load(_ deliveries: [ClaimedDelivery]) async throws -> OutboxLoad {
        try await store.read("read the webhooks of") { db in
            var load = OutboxLoad()
            load.revision = try Self.revision(db)
            for delivery in deliveries {
                load.messages[delivery.id] = try message(delivery.event, db)
                if load.endpoints[delivery.endpoint] == nil {
                    load.endpoints[delivery.endpoint] = try endpoint(delivery.endpoint, db)
                }
            }
            return load
        }
    }

    private func message(_ event: Int64, _ db: Database) throws -> OutboxMessage? {
        try Row.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT CAST(id AS TEXT), CAST(event_type AS TEXT), payload, created_at, CAST(user_id AS TEXT)
                    FROM webhook_events
                    WHERE seq = ? AND typeof(payload) = 'text'
                    """),
            arguments: [event]
        ).map { row in
            // A gateway may have written a time of its own making.
            let created = Int64.fromDatabaseValue(row[3] as DatabaseValue) ?? 0
            return OutboxMessage(
                id: row[0] ?? "", type: row[1] ?? "", payload: row[2], createdAt: Instant(milliseconds: created),
                user: row[4])
        }
    }

    private func endpoint(_ id: String, _ db: Database) throws -> OutboxEndpoint? {
        try Row.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT CAST(url AS TEXT), CAST(secret AS TEXT), lower(CAST(is_active AS TEXT)) IN ('1', 'true')
                    FROM webhooks
                    WHERE id = ?
                    """),
            arguments: [id]
        ).map { row in
            OutboxEndpoint(
                url: row[0], secret: row[1], isActive: row[2] ?? false, record: try EndpointRecord.read(db, id))
        }
    }
}
