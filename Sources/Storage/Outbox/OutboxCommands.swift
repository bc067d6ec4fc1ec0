import Foundation
import GRDB
package import Scheduling
package import Webhooks

/// What an operator asks for. Each raises the revision, by which a daemon that runs learns of it.
extension Outbox {
    /// Deliveries that a replay is about. All conditions must hold; those that are nil do.
    package struct Selection: Sendable, Equatable {
        package var delivery: Int64?
        package var event: String?
        package var endpoint: String?
        package var user: String?
        package var type: String?
        /// What the type begins with: a group with the full stop at its end.
        package var group: String?
        package var from: Instant?
        package var until: Instant?
        package var states: Set<DeliveryState> = []

        package init() {}
    }

    package enum DeliveryState: String, Sendable, CaseIterable, Codable {
        case pending, claimed, delivered, dead
    }

    /// Enables or disables an endpoint. Enabling forgets its failures, takes its present url and secret to belong together, and has what is queued come
    /// due now. Disabling one that is not switched off yet is told of.
    ///
    /// - Returns: whether there is such an endpoint.
    package func setStanding(_ endpoint: String, enabled: Bool, now: Instant) async throws -> Bool {
        let isThere = try await command { db in
            guard try exists(endpoint, db) else { return false }
            var record = try EndpointRecord.read(db, endpoint) ?? EndpointRecord()
            if enabled {
                record.health.enable()
                record.enabledAt = now
                record.waitsUntil = nil
                try bind(&record, endpoint, db)
            } else {
                if !record.health.isSwitchedOff {
                    try EndpointChange.tell(
                        of: endpoint, disabledBy: EndpointHealth.Cause.switchedOff.rawValue, now, db)
                }
                record.health.switchOff(at: now)
            }
            try record.write(db, endpoint)
            if enabled {
                try AuditTrail.note(
                    "webhook.endpoint_enabled", on: "webhooks", id: endpoint, facts: ["cause": "switched_on"],
                    now: now, db)
            }
            return true
        }
        if isThere, enabled { try await hurry(endpoint, now: now) }
        return isThere
    }

    /// Takes the present url for the one that the present secret is for. What was given for another url signs nothing more: see `EndpointRecord.write`.
    private func bind(_ record: inout EndpointRecord, _ endpoint: String, _ db: Database) throws {
        let row = try Row.fetchOne(
            db, sql: "SELECT CAST(url AS TEXT), CAST(secret AS TEXT) FROM webhooks WHERE id = ?", arguments: [endpoint])
        record.isURLChanged = false
        record.urlDigest = (row?[0] as String?).map(EndpointRecord.digest)
        record.secretDigest = (row?[1] as String?).map(EndpointRecord.digest)
    }

    private func hurry(_ endpoint: String, now: Instant) async throws {
        _ = try await inChunks { db, _ in
            try db.execute(
                sql: """
                    UPDATE webhook_deliveries
                    SET next_attempt_at = :now
                    WHERE id IN (
                      SELECT id
                      FROM webhook_deliveries
                      WHERE webhook_id = :endpoint AND state = 'pending' AND next_attempt_at > :now
                      LIMIT :most)
                    """, arguments: ["endpoint": endpoint, "now": now.milliseconds, "most": Self.rowsAtATime])
            return (db.changesCount, nil)
        }
    }

    /// Until one has changed less than it might have. A daemon hears of the first and of the last, and now and then: each time it reads all that is due.
    ///
    /// - Parameter work: is given the last row of the chunk before, and returns how many it has changed, and the last of them.
    /// - Returns: how many all have.
    private func inChunks(_ work: @escaping @Sendable (Database, Int64) throws -> (count: Int, last: Int64?))
        async throws
        -> Int
    {
        var (number, total, after) = (0, 0, Int64(0))
        while true {
            let (isHeard, from) = (number % Self.chunksUnheard == 0, after)
            let done = try await command(isHeard: isHeard) { db in try work(db, from) }
            number += 1
            total += done.count
            after = done.last ?? after
            guard done.count < Self.rowsAtATime else { continue }
            if !isHeard { try await command { _ in } }
            return total
        }
    }

    private static let chunksUnheard = 20

    /// How an endpoint wants its messages; nil leaves a thing as it is.
    package struct Wishes: Sendable, Equatable {
        package var format: EndpointRecord.Format?
        package var isOrdered: Bool?
        /// Of the inner ones nil is the setting's.
        package var maxInFlight: Int??
        package var ratePerSecond: Double??

        package init() {}
    }

    package func setWishes(_ wishes: Wishes, of endpoint: String) async throws -> Bool {
        try await command { db in
            guard try exists(endpoint, db) else { return false }
            var record = try EndpointRecord.read(db, endpoint) ?? EndpointRecord()
            if wishes.isOrdered == false { record.waitsUntil = nil }
            try record.write(db, endpoint)
            record.format = wishes.format ?? record.format
            record.isOrdered = wishes.isOrdered ?? record.isOrdered
            record.maxInFlight = wishes.maxInFlight ?? record.maxInFlight
            record.ratePerSecond = wishes.ratePerSecond ?? record.ratePerSecond
            try db.execute(
                sql: """
                    UPDATE webhook_endpoints
                    SET format = ?, is_ordered = ?, max_in_flight = ?, rate_per_second = ?
                    WHERE webhook_id = ?
                    """,
                arguments: [
                    record.format.rawValue, record.isOrdered, record.maxInFlight, record.ratePerSecond, endpoint,
                ])
            return true
        }
    }

    /// Gives an endpoint a new secret; the present one signs beside it until `overlapEnd`, if it can sign at all. An end that has passed also ends the
    /// overlap of earlier ones.
    ///
    /// - Returns: whether there is such an endpoint.
    package func rotateSecret(_ endpoint: String, to secret: String, overlapEnd: Instant, now: Instant) async throws
        -> Bool
    {
        try await command { db in
            guard try exists(endpoint, db) else { return false }
            let row = try Row.fetchOne(
                db, sql: "SELECT CAST(url AS TEXT), CAST(secret AS TEXT) FROM webhooks WHERE id = ?",
                arguments: [endpoint])
            let (url, present) = (row?[0] as String? ?? "", row?[1] as String?)
            var record = try EndpointRecord.read(db, endpoint) ?? EndpointRecord()
            let isSameURL = record.urlDigest.map { $0 == EndpointRecord.digest(url) } ?? true
            record.urlDigest = EndpointRecord.digest(url)
            record.secretDigest = EndpointRecord.digest(secret)
            record.isURLChanged = false
            try record.write(db, endpoint)
            // A secret that was given for another url must not sign for this one; and without an overlap none signs beside the new one, or one that
            // had leaked and been replaced before would go on.
            let isOverlapping = isSameURL && overlapEnd > now
            var former = isOverlapping ? record.former.filter { $0.until > now } : []
            if let present, present != secret, isOverlapping, (try? WebhookSecret(present)) != nil {
                former.insert(.init(secret: present, until: overlapEnd), at: 0)
                former = Array(former.prefix(EndpointRecord.mostFormer))
            }
            try db.execute(
                sql: "UPDATE webhook_endpoints SET former_secrets = ? WHERE webhook_id = ?",
                arguments: [try EndpointRecord.json(former), endpoint])
            try db.execute(
                sql: "UPDATE webhooks SET secret = ?, updated_at = CURRENT_TIMESTAMP WHERE id = ?",
                arguments: [secret, endpoint])
            try AuditTrail.note(
                "webhook.secret_rotated", on: "webhooks", id: endpoint, facts: ["overlap_until": "\(overlapEnd)"],
                now: now, db)
            return true
        }
    }

    /// Queues deliveries again, whose schedule of retries then begins anew. One that is claimed goes anyway and is left alone, as is one whose event or
    /// endpoint is gone.
    ///
    /// - Returns: how many.
    package func replay(_ selection: Selection, now: Instant) async throws -> Int {
        try await inChunks { db, after in
            let ids = try Int64.fetchAll(
                db,
                sql: """
                    SELECT d.id
                    FROM webhook_deliveries d
                    JOIN webhook_events e ON e.seq = d.event_seq
                    JOIN webhooks w ON w.id = d.webhook_id
                    WHERE d.id > :after AND d.state <> 'claimed' AND \(Self.condition)
                    ORDER BY d.id
                    LIMIT \(Self.rowsAtATime)
                    """,
                arguments: Self.arguments(selection, after: after))
            for id in ids {
                try db.cachedStatement(
                    sql: """
                        UPDATE webhook_deliveries
                        SET state = 'pending', retry = 0, next_attempt_at = ?, settled_at = NULL, reason = NULL
                        WHERE id = ?
                        """
                ).execute(arguments: [now.milliseconds, id])
            }
            return (ids.count, ids.last)
        }
    }

    /// In one hold of the lock.
    private static let rowsAtATime = 500

    /// How many a replay would queue again.
    package func countReplay(_ selection: Selection) async throws -> Int {
        try await store.read("count the webhooks of") { db in
            try Int.fetchOne(
                db,
                sql: """
                    SELECT COUNT(*)
                    FROM webhook_deliveries d
                    JOIN webhook_events e ON e.seq = d.event_seq
                    JOIN webhooks w ON w.id = d.webhook_id
                    WHERE d.id > :after AND d.state <> 'claimed' AND \(Self.condition)
                    """,
                arguments: Self.arguments(selection, after: 0)) ?? 0
        }
    }

    /// To whom a replay would go.
    package func endpointsOfReplay(_ selection: Selection) async throws -> [String] {
        try await store.read("look into the webhooks of") { db in
            try String.fetchAll(
                db,
                sql: """
                    SELECT DISTINCT w.id
                    FROM webhook_deliveries d
                    JOIN webhook_events e ON e.seq = d.event_seq
                    JOIN webhooks w ON w.id = d.webhook_id
                    WHERE d.id > :after AND d.state <> 'claimed' AND \(Self.condition)
                    """,
                arguments: Self.arguments(selection, after: 0))
        }
    }

    /// Why a payload could be told to nobody: judged by the same function of SQLite's as when it is fanned out.
    package func defect(ofPayload payload: String) async throws -> Defect? {
        guard payload.utf8.count <= FanOutPlan.longestPayload else {
            return Defect(
                "payload_too_long", "has \(payload.utf8.count) bytes",
                remedy: "\(FanOutPlan.longestPayload) are the most; tell where the rest can be had")
        }
        let isJSON = try await store.read("ask") { db in
            // A text ends for it at the first NUL.
            try Bool.fetchOne(
                db, sql: "SELECT json_valid(?1) AND instr(CAST(?1 AS BLOB), x'00') = 0", arguments: [payload]) ?? false
        }
        return isJSON ? nil : Defect("payload_not_json", "is not JSON", remedy: "write a JSON value such as {\"n\": 1}")
    }

    /// Enters an event, as a gateway does.
    ///
    /// - Returns: its id, which is the webhook-id header.
    package func send(type: EventType, payload: String, user: String?, now: Instant) async throws -> String {
        try await command { db in
            try String.fetchOne(
                db,
                sql: """
                    INSERT INTO webhook_events (user_id, event_type, payload, created_at)
                    VALUES (?, ?, ?, ?)
                    RETURNING id
                    """,
                arguments: [user, type.description, payload, now.milliseconds]) ?? ""
        }
    }

    /// Queues one event for one endpoint alone, whatever it has subscribed to.
    ///
    /// - Returns: the event's id and the delivery; nil when there is no such endpoint.
    package func test(_ endpoint: String, payload: String, now: Instant) async throws -> (
        event: String, delivery: Int64
    )? {
        try await command { db in
            guard try exists(endpoint, db) else { return nil }
            let row = try Row.fetchOne(
                db,
                sql: """
                    INSERT INTO webhook_events (event_type, payload, created_at)
                    VALUES ('webhook.test', ?, ?)
                    RETURNING seq, id
                    """,
                arguments: [payload, now.milliseconds])
            guard let row else { return nil }
            // It is fanned out like any other; who has asked for it is told besides.
            try db.execute(
                sql: """
                    INSERT INTO webhook_deliveries (event_seq, webhook_id, state, next_attempt_at, created_at)
                    VALUES (?, ?, 'pending', ?, ?)
                    """,
                arguments: [row[0] as Int64, endpoint, now.milliseconds, now.milliseconds])
            return (row[1], db.lastInsertedRowID)
        }
    }

    private func exists(_ endpoint: String, _ db: Database) throws -> Bool {
        try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM webhooks WHERE id = ?)", arguments: [endpoint])
            ?? false
    }

    private func command<T: Sendable>(
        isHeard: Bool = true, _ work: @escaping @Sendable (Database) throws -> T
    ) async throws -> T {
        try await store.writer.write("change the webhooks of") { db, _ in
            let result = try work(db)
            if isHeard { try db.execute(sql: "UPDATE webhook_outbox SET revision = revision + 1 WHERE id = 1") }
            return result
        }
    }

    static let condition = """
        -- a range of the key and not an OR, for which all rows would be read
        d.id BETWEEN COALESCE(:delivery, 0) AND COALESCE(:delivery, 9223372036854775807)
          AND (:event IS NULL OR e.id = :event)
          AND (:endpoint IS NULL OR d.webhook_id = :endpoint)
          AND (:user IS NULL OR e.user_id = :user)
          AND (:type IS NULL OR e.event_type = :type)
          AND (:group IS NULL OR substr(e.event_type, 1, length(:group)) = :group)
          AND (:from IS NULL OR d.created_at >= :from)
          AND (:until IS NULL OR d.created_at < :until)
          AND (:states IS NULL OR instr(:states, ',' || d.state || ',') > 0)
        """

    static func arguments(_ selection: Selection, after: Int64) -> StatementArguments {
        let states = selection.states.map(\.rawValue).sorted().joined(separator: ",")
        return [
            "after": after, "delivery": selection.delivery, "event": selection.event, "endpoint": selection.endpoint,
            "user": selection.user, "type": selection.type, "group": selection.group,
            "from": selection.from?.milliseconds, "until": selection.until?.milliseconds,
            "states": selection.states.isEmpty ? nil : ",\(states),",
        ]
    }
}
