import Foundation
import GRDB
import Scheduling
import Webhooks

/// Making deliveries of events, one event at a time and in the order of their arrival.
struct FanningOut {
    private(set) var result = FanOut()
    private var plan: FanOutPlan
    private var endpoints: SubscribedEndpoints
    private var waiting: ArraySlice<Int64>
    private let now: Instant
    private var last: Int64?

    private struct Event {
        let seq: Int64
        let user: String?
        let type: EventType?
        /// Why it can be told to nobody.
        let defect: String?
        /// The endpoint that it is about, and that is not told: see `OwnEvent.endpointDisabledType`.
        let subject: String?
    }

    /// Finds the events that are next.
    ///
    /// - Parameter most: so many at a time.
    init(_ plan: FanOutPlan, filters: FilterCache, _ db: Database, now: Instant, most: Int) throws {
        self.plan = plan
        self.now = now
        endpoints = SubscribedEndpoints(filters: filters, plan: plan)
        // Their numbers alone: a payload is judged when it is its turn, or 64 of a mebibyte would be parsed in one hold of the lock.
        waiting = try Int64.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT seq
                    FROM webhook_events
                    WHERE seq > (SELECT fanned_out FROM webhook_outbox WHERE id = 1)
                    ORDER BY seq
                    LIMIT ?
                    """),
            arguments: [most])[...]
        result.isComplete = waiting.count < most
    }

    var hasMore: Bool { !waiting.isEmpty }

    /// Deals with one event.
    mutating func next(_ db: Database) throws {
        guard let seq = waiting.popFirst(), let event = try Self.event(seq, db) else { return }
        if let type = event.type, event.defect == nil {
            for endpoint in try endpoints.told(of: event.user, db)
            where event.subject == nil || endpoint.id != event.subject {
                try queue(event, type, endpoint, db)
            }
        } else {
            try bury(event, nil, event.defect ?? "type_null", db)
        }
        result.events += 1
        last = seq
    }

    /// Moves the cursor: to be called in the same transaction.
    mutating func finish(_ db: Database) throws -> FanOut {
        if let last {
            try db.cachedStatement(sql: "UPDATE webhook_outbox SET fanned_out = ? WHERE id = 1")
                .execute(arguments: [last])
        }
        if hasMore { result.isComplete = false }
        return result
    }

    private static func event(_ seq: Int64, _ db: Database) throws -> Event? {
        try Row.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT CAST(id AS TEXT), CAST(user_id AS TEXT), CAST(event_type AS TEXT),
                           CASE
                             -- a text is read up to its first NUL: what stands behind it would be another id's, type's or user's
                             WHEN typeof(id) <> 'text' THEN 'id_not_text'
                             WHEN instr(CAST(id AS BLOB), x'00') > 0 THEN 'id_has_nul'
                             WHEN typeof(event_type) <> 'text' THEN 'type_not_text'
                             WHEN instr(CAST(event_type AS BLOB), x'00') > 0 THEN 'type_has_nul'
                             WHEN typeof(user_id) NOT IN ('text', 'null') THEN 'user_not_text'
                             WHEN instr(CAST(user_id AS BLOB), x'00') > 0 THEN 'user_has_nul'
                             -- the column makes a number of a JSON number, which then no longer has the digits that were written
                             WHEN typeof(payload) <> 'text' THEN 'payload_not_text'
                             -- octets, which length() of a text does not count
                             WHEN length(CAST(payload AS BLOB)) > ?2 THEN 'payload_too_long'
                             WHEN NOT json_valid(payload) OR instr(CAST(payload AS BLOB), x'00') > 0 THEN 'payload_not_json'
                           END,
                           CASE
                             -- json_extract would end the statement at what is no JSON
                             WHEN event_type = ?3 AND typeof(payload) = 'text' AND length(CAST(payload AS BLOB)) <= ?2 AND json_valid(payload)
                             THEN CAST(json_extract(payload, '$.endpoint') AS TEXT)
                           END
                    FROM webhook_events
                    WHERE seq = ?1
                    """),
            arguments: [seq, FanOutPlan.longestPayload, OwnEvent.endpointDisabledType]
        ).map { row in
            var defect: String? = row[3]
            var type: EventType?
            do throws(Defect) {
                _ = try MessageID(row[0] ?? "")
                type = try EventType(row[2] ?? "")
            } catch {
                defect = defect ?? error.name
            }
            return Event(seq: seq, user: row[1], type: type, defect: defect, subject: row[4])
        }
    }

    private mutating func queue(
        _ event: Event, _ type: EventType, _ endpoint: SubscribedEndpoints.Endpoint, _ db: Database
    ) throws {
        let dead: String?
        switch endpoint.filter {
        // Nobody can tell whether it would have been wanted, and what is not told is to be seen.
        case .failure(let defect): dead = defect.name
        case .success(let filter):
            guard filter.matches(type) else { return }
            dead = try endpoint.obstacle ?? (endpoint.isFailing && hasQueued(endpoint, db) ? "endpoint_disabled" : nil)
        }
        guard let id = endpoint.id, dead == nil else {
            return try bury(event, endpoint.id, dead ?? "endpoint_id_odd", db)
        }
        if !endpoint.isOrdered, !endpoint.isFailing, plan.hasRoom(for: id) {
            let claim = Int64.random(in: 1 ... .max)
            guard try insert(event, id, claim: claim, db) else { return }
            plan.take(for: id)
            result.claimed.append(
                ClaimedDelivery(
                    id: db.lastInsertedRowID, event: event.seq, endpoint: id, claim: claim, attempt: 0, retry: 0))
        } else if try insert(event, id, db) {
            result.queued.insert(id)
        }
    }

    private mutating func bury(_ event: Event, _ endpoint: String?, _ reason: String, _ db: Database) throws {
        if try insert(event, endpoint, dead: reason, db) { result.dead[reason, default: 0] += 1 }
    }

    private func hasQueued(_ endpoint: SubscribedEndpoints.Endpoint, _ db: Database) throws -> Bool {
        try Bool.fetchOne(
            db.cachedStatement(
                sql: "SELECT EXISTS (SELECT 1 FROM webhook_deliveries WHERE webhook_id = ? AND state = 'pending')"),
            arguments: [endpoint.id]) ?? false
    }

    /// False where the endpoint has its delivery of the event already: from `Outbox.test`.
    private func insert(
        _ event: Event, _ endpoint: String?, claim: Int64? = nil, dead: String? = nil, _ db: Database
    ) throws -> Bool {
        let state = dead != nil ? "dead" : claim != nil ? "claimed" : "pending"
        // Its next attempt, or its end.
        let (next, settled) = (state == "pending" ? now : nil, dead == nil ? nil : now)
        try db.cachedStatement(
            sql: """
                INSERT INTO webhook_deliveries (event_seq, webhook_id, user_id, state, next_attempt_at, claim, reason, created_at, settled_at)
                -- the user as the event has it, and not as far as it can be read
                VALUES (?1, ?2, (SELECT user_id FROM webhook_events WHERE seq = ?1), ?3, ?4, ?5, ?6, ?7, ?8)
                ON CONFLICT (event_seq, webhook_id) DO NOTHING
                """
        ).execute(arguments: [
            event.seq, endpoint, state, next?.milliseconds, claim, dead, now.milliseconds, settled?.milliseconds,
        ])
        return db.changesCount == 1
    }
}
