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
                    claim = CASE WHEN ?1 = 'claimed' THEN claim END,
                    -- one that is given back without an attempt still waits for what the last attempt failed for
                    reason = CASE WHEN ?2 = 0 AND ?6 IS NULL THEN reason ELSE ?5 END,
                    settled_at = ?6
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

    /// Keeps webhooks.last_delivery_at. In the form of CURRENT_TIMESTAMP, as the gateway's own defaults have it; updated_at tells of the owner's changes
    /// and stays.
    func noteDeliveries(to endpoints: Set<String>, _ db: Database, now: Instant) throws {
        for endpoint in endpoints {
            try db.cachedStatement(
                sql: """
                    UPDATE webhooks
                    SET last_delivery_at = datetime(?1 / 1000, 'unixepoch')
                    WHERE id = ?2 AND last_delivery_at IS NOT datetime(?1 / 1000, 'unixepoch')
                    """
            ).execute(arguments: [now.milliseconds, endpoint])
        }
    }

    /// Claims what is due: one at least, where there is any.
    func claim(
        _ endpoint: String, _ count: Int, _ db: Database, _ allowance: Allowance, now: Instant
    ) throws -> [ClaimedDelivery] {
        guard count > 0 else { return [] }
        let isOrdered = try isOrdered(endpoint, db)
        let rows =
            isOrdered
            ? try head(of: endpoint, db).map { [$0] } ?? []
            : try Row.fetchAll(
                db.cachedStatement(
                    sql: """
                        SELECT id, event_seq, attempt, retry, next_attempt_at
                        FROM webhook_deliveries
                        WHERE webhook_id = ? AND state = 'pending' AND next_attempt_at <= ?
                        ORDER BY next_attempt_at, id
                        LIMIT ?
                        """),
                arguments: [endpoint, now.milliseconds, count])
        var claimed: [ClaimedDelivery] = []
        for row in rows where (row[4] as Int64) <= now.milliseconds {
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
            claimed.append(delivery)
            if allowance.isSpent { break }
        }
        return claimed
    }

    private func isOrdered(_ endpoint: String, _ db: Database) throws -> Bool {
        try Bool.fetchOne(
            db.cachedStatement(sql: "SELECT is_ordered FROM webhook_endpoints WHERE webhook_id = ?"),
            arguments: [endpoint]) ?? false
    }

    /// The one that must go before all others of an endpoint that keeps its order, whether it is due or not: the times do not tell, since a retry's is
    /// later than those of the deliveries behind it, and a clock may go back.
    private func head(of endpoint: String, _ db: Database) throws -> Row? {
        try Row.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT id, event_seq, attempt, retry, next_attempt_at
                    FROM webhook_deliveries
                    -- idx_webhook_deliveries_due has all that this looks at
                    WHERE id = (SELECT MIN(id) FROM webhook_deliveries WHERE webhook_id = ? AND state = 'pending')
                    """),
            arguments: [endpoint])
    }

    func nextDue(_ endpoint: String, _ db: Database) throws -> Instant? {
        if try isOrdered(endpoint, db) {
            return try head(of: endpoint, db).map { Instant(milliseconds: $0[4]) }
        }
        return try Int64.fetchOne(
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
