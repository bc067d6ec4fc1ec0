import Foundation
import GRDB
import Scheduling

/// Writing down what came of attempts, and claiming what is due.
extension Outbox {
    /// False when the claim was another's: then nothing was written.
    func settle(_ outcome: DeliveryOutcome, _ db: Database, now: Instant) throws -> Bool {
        let delivery = outcome.delivery
        var state = "pending"
        var next: Instant?
        var reason = outcome.attempt?.reason
        switch outcome.settlement {
        case .delivered: state = "delivered"
        case .retry(let instant): next = instant
        case .keep: state = "claimed"
        case .dead(let cause):
            state = "dead"
            reason = cause
        }
        let isSettled = state == "delivered" || state == "dead"
        let made = outcome.attempt == nil ? 0 : 1
        let failed = made == 1 && outcome.attempt?.reason != nil ? 1 : 0
        try db.cachedStatement(
            sql: """
                UPDATE webhook_deliveries
                SET state = ?1, attempt = attempt + ?2, retry = retry + ?3, next_attempt_at = ?4,
                    claim = CASE WHEN ?1 = 'claimed' THEN claim END, reason = ?5, settled_at = ?6
                WHERE id = ?7 AND claim = ?8
                """
        ).execute(arguments: [
            state, made, failed, next?.milliseconds, reason, isSettled ? now.milliseconds : nil, delivery.id,
            delivery.claim,
        ])
        guard db.changesCount == 1 else { return false }
        if let attempt = outcome.attempt { try insert(attempt, of: delivery, db) }
        return true
    }

    private func insert(_ attempt: AttemptRecord, of delivery: ClaimedDelivery, _ db: Database) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO webhook_attempts (delivery_id, user_id, attempt, started_at, duration_ms, status, reason, error, address, head, body)
                SELECT id, user_id, attempt, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9
                FROM webhook_deliveries
                WHERE id = ?1
                """
        ).execute(arguments: [
            delivery.id, attempt.startedAt.milliseconds, Int64(attempt.duration / .milliseconds(1)), attempt.status,
            attempt.reason, attempt.error, attempt.address, attempt.head, attempt.body.map { DatabaseValue.blob($0) },
        ])
    }

    /// Keeps webhooks.last_delivery_at, once an endpoint. In the form of CURRENT_TIMESTAMP, as the gateway writes its times.
    func noteDeliveries(_ outcomes: ArraySlice<DeliveryOutcome>, _ db: Database, now: Instant) throws {
        let delivered = Set(outcomes.filter { $0.settlement == .delivered }.map(\.delivery.endpoint))
        for endpoint in delivered {
            try db.cachedStatement(
                sql: """
                    UPDATE webhooks
                    SET last_delivery_at = datetime(?1 / 1000, 'unixepoch')
                    WHERE id = ?2 AND last_delivery_at IS NOT datetime(?1 / 1000, 'unixepoch')
                    """
            ).execute(arguments: [now.milliseconds, endpoint])
        }
    }

    func claim(_ endpoint: String, _ count: Int, _ db: Database, now: Instant) throws -> [ClaimedDelivery] {
        guard count > 0 else { return [] }
        let rows = try Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT id, event_seq, attempt, retry
                    FROM webhook_deliveries
                    WHERE webhook_id = ? AND state = 'pending' AND next_attempt_at <= ?
                    ORDER BY next_attempt_at, id
                    LIMIT ?
                    """),
            arguments: [endpoint, now.milliseconds, count])
        return try rows.map { row in
            let delivery = ClaimedDelivery(
                id: row[0], event: row[1], endpoint: endpoint, claim: .random(in: 1 ... .max), attempt: row[2],
                retry: row[3])
            try db.cachedStatement(
                sql: """
                    UPDATE webhook_deliveries
                    SET state = 'claimed', claim = ?, next_attempt_at = NULL
                    WHERE id = ?
                    """
            ).execute(arguments: [delivery.claim, delivery.id])
            return delivery
        }
    }

    func nextDue(_ endpoint: String, _ db: Database) throws -> Instant? {
        try Int64.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT next_attempt_at
                    FROM webhook_deliveries
                    WHERE webhook_id = ? AND state = 'pending'
                    ORDER BY next_attempt_at
                    LIMIT 1
                    """),
            arguments: [endpoint]
        ).map { Instant(milliseconds: $0) }
    }
}

extension DatabaseValue {
    fileprivate static func blob(_ bytes: [UInt8]) -> DatabaseValue { Data(bytes).databaseValue }
}
