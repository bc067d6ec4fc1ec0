import Foundation
import GRDB
import Scheduling
import Storage
import Testing

/// Endpoints and events as a gateway writes them, and what the outbox made of them.
extension SampleDatabase {
    static let outboxNow = Instant(milliseconds: 1_795_262_400_000)

    /// A moment, in milliseconds after `outboxNow`.
    static func later(_ milliseconds: Int64) -> Instant { Instant(milliseconds: outboxNow.milliseconds + milliseconds) }

    func endpoint(
        _ id: (any DatabaseValueConvertible)?, of user: String = "u", events: String = #"["*"]"#,
        url: String? = nil, secret: String? = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        isActive: (any DatabaseValueConvertible)? = true
    ) throws {
        try execute(
            "INSERT INTO webhooks (id, user_id, url, events, secret, is_active) VALUES (?, ?, ?, ?, ?, ?)",
            [id, user, url ?? "https://example.org/hook", events, secret, isActive])
    }

    /// Returns its number.
    @discardableResult
    func event(
        _ type: (any DatabaseValueConvertible)? = "usage.recorded", of user: (any DatabaseValueConvertible)? = "u",
        payload: (any DatabaseValueConvertible)? = #"{"n":1}"#, id: (any DatabaseValueConvertible)? = nil
    ) throws -> Int64 {
        try gateway.writeWithoutTransaction { db in
            try db.execute(
                sql: """
                    INSERT INTO webhook_events (id, user_id, event_type, payload)
                    VALUES (COALESCE(?, 'evt_' || lower(hex(randomblob(16)))), ?, ?, ?)
                    """,
                arguments: [id, user, type, payload])
            return db.lastInsertedRowID
        }
    }

    /// `event → endpoint: state reason`, in the order of their making.
    func queued() throws -> [String] {
        try rows("SELECT event_seq, webhook_id, state, reason FROM webhook_deliveries ORDER BY id").map { row in
            let words = [row[2], row[3]].compactMap { String.fromDatabaseValue($0) }
            let endpoint = String.fromDatabaseValue(row[1]) ?? "nobody"
            return "\(Int64.fromDatabaseValue(row[0]) ?? 0) → \(endpoint): \(words.joined(separator: " "))"
        }
    }
}

extension Outbox {
    /// One write that fans out, with as much room as there can be.
    @discardableResult
    func fanOut(_ plan: FanOutPlan = FanOutPlan(), at now: Instant = SampleDatabase.outboxNow) async throws -> FanOut {
        var work = Work()
        work.fanOut = plan
        return try #require(try await write(work, now: now).fanOut)
    }

    func settle(_ outcomes: [DeliveryOutcome], at now: Instant = SampleDatabase.outboxNow) async throws -> Done {
        var work = Work()
        work.outcomes = outcomes
        return try await write(work, now: now)
    }

    func claim(_ endpoint: String, _ count: Int = 100, at now: Instant) async throws -> (
        deliveries: [ClaimedDelivery], next: Instant?
    ) {
        var work = Work()
        work.wanted = [(endpoint, count)]
        let done = try await write(work, now: now)
        let claimed = try #require(done.claimed.first)
        return (claimed.deliveries, claimed.next)
    }
}

extension Allowance.Steps {
    /// Time for all of it, however slow the machine is.
    static var unhurried: Allowance.Steps { Allowance.Steps { false } }
}

extension AttemptRecord {
    static func failed(at now: Instant = SampleDatabase.outboxNow, status: Int? = 500) -> AttemptRecord {
        AttemptRecord(
            startedAt: now, duration: .milliseconds(12), status: status, reason: "http_status",
            error: "the receiver answered 500", address: "192.0.2.1", head: "HTTP/1.1 500", body: Array("no".utf8))
    }

    static func delivered(at now: Instant = SampleDatabase.outboxNow) -> AttemptRecord {
        AttemptRecord(startedAt: now, duration: .milliseconds(7), status: 204, address: "192.0.2.1")
    }
}
