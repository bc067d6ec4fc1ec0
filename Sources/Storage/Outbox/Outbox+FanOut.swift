import Foundation
import GRDB
import Scheduling
import Webhooks

/// Making deliveries of events.
extension Outbox {
    private struct Event {
        let seq: Int64
        let user: String?
        let type: EventType?
        /// Why it can be told to nobody.
        let defect: String?
    }

    func fanOut(
        _ given: FanOutPlan, _ db: Database, now: Instant, most: Int, hasTime: () -> Bool
    ) throws -> FanOut {
        var plan = given
        var result = FanOut()
        let events = try unseen(db, most: most)
        guard !events.isEmpty else { return result }
        var endpoints = SubscribedEndpoints(filters: filters, plan: plan)
        var last: Int64?
        for event in events where hasTime() {
            if let type = event.type, event.defect == nil {
                for endpoint in try endpoints.told(of: event.user, db) {
                    try queue(event, type, endpoint, &plan, &result, db, now: now)
                }
            } else {
                try insert(event, nil, dead: event.defect ?? "type_null", db, now: now)
                result.dead += 1
            }
            result.events += 1
            last = event.seq
        }
        if let last {
            try db.cachedStatement(sql: "UPDATE webhook_outbox SET fanned_out = ? WHERE id = 1")
                .execute(arguments: [last])
        }
        result.isComplete = result.events == events.count && events.count < most
        return result
    }

    private func unseen(_ db: Database, most: Int) throws -> [Event] {
        try Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT seq, CAST(id AS TEXT), CAST(user_id AS TEXT), CAST(event_type AS TEXT),
                           CASE
                             WHEN payload IS NULL OR typeof(payload) <> 'text' THEN 'payload_not_text'
                             -- octets, which length() of a text does not count
                             WHEN length(CAST(payload AS BLOB)) > ?1 THEN 'payload_too_long'
                             WHEN NOT json_valid(payload) THEN 'payload_not_json'
                           END
                    FROM webhook_events
                    WHERE seq > (SELECT fanned_out FROM webhook_outbox WHERE id = 1)
                    ORDER BY seq
                    LIMIT ?2
                    """),
            arguments: [FanOutPlan.longestPayload, most]
        ).map { row in
            var defect: String? = row[4]
            var type: EventType?
            do throws(Defect) {
                _ = try MessageID(row[1] ?? "")
                type = try EventType(row[3] ?? "")
            } catch {
                defect = error.name
            }
            return Event(seq: row[0], user: row[2], type: type, defect: defect)
        }
    }

    private func queue(
        _ event: Event, _ type: EventType, _ endpoint: SubscribedEndpoints.Endpoint, _ plan: inout FanOutPlan,
        _ result: inout FanOut, _ db: Database, now: Instant
    ) throws {
        let dead: String?
        switch endpoint.filter {
        // Nobody can tell whether it would have been wanted, and what is not told is to be seen.
        case .failure(let defect): dead = defect.name
        case .success(let filter):
            guard filter.matches(type) else { return }
            dead =
                try endpoint.obstacle ?? (endpoint.isFailing && hasQueued(endpoint.id, db) ? "endpoint_disabled" : nil)
        }
        if let dead {
            try insert(event, endpoint.id, dead: dead, db, now: now)
            result.dead += 1
        } else if !endpoint.isOrdered, !endpoint.isFailing, plan.take(for: endpoint.id) {
            let claim = Int64.random(in: 1 ... .max)
            try insert(event, endpoint.id, claim: claim, db, now: now)
            result.claimed.append(
                ClaimedDelivery(
                    id: db.lastInsertedRowID, event: event.seq, endpoint: endpoint.id, claim: claim, attempt: 0,
                    retry: 0))
        } else {
            try insert(event, endpoint.id, db, now: now)
            result.queued.insert(endpoint.id)
        }
    }

    private func hasQueued(_ endpoint: String, _ db: Database) throws -> Bool {
        try Bool.fetchOne(
            db.cachedStatement(
                sql: "SELECT EXISTS (SELECT 1 FROM webhook_deliveries WHERE webhook_id = ? AND state = 'pending')"),
            arguments: [endpoint]) ?? false
    }

    private func insert(
        _ event: Event, _ endpoint: String?, claim: Int64? = nil, dead: String? = nil, _ db: Database, now: Instant
    ) throws {
        let state = dead != nil ? "dead" : claim != nil ? "claimed" : "pending"
        // Its next attempt, or its end.
        let (next, settled) = (state == "pending" ? now : nil, dead == nil ? nil : now)
        try db.cachedStatement(
            sql: """
                INSERT INTO webhook_deliveries (event_seq, webhook_id, user_id, state, next_attempt_at, claim, reason, created_at, settled_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                -- two rows of webhooks may be one endpoint to SQLite: an id that is a number and its text
                ON CONFLICT (event_seq, webhook_id) DO NOTHING
                """
        ).execute(arguments: [
            event.seq, endpoint, event.user, state, next?.milliseconds, claim, dead, now.milliseconds,
            settled?.milliseconds,
        ])
    }
}
