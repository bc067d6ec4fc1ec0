import Foundation
import GRDB
import Storage
import Testing

/// What each step ought to have done, and what the file shows.
extension OutboxHistory {
    /// Brings the dictionaries to what the write ought to have done, and compares. A write that failed was undone, or (where the COMMIT itself was
    /// interrupted behind its last step) is there as a whole.
    func reconcile(_ work: Outbox.Work, _ done: Outbox.Done?, _ before: [Key: Stored]) throws {
        let after = try stored()
        let moved: Int64 = try sample.value("SELECT fanned_out FROM webhook_outbox") ?? 0
        if let done, Int64(events.keys.filter { $0 > cursor && $0 <= moved }.count) != done.fanOut?.events ?? 0 {
            fail("the cursor went from \(cursor) to \(moved)")
        }
        for (seq, event) in events where seq > cursor && seq <= moved { expect(event, seq, after) }
        cursor = moved
        if let fanOut = done?.fanOut {
            held += fanOut.claimed
            for claim in fanOut.claimed {
                let row = after[Key(event: claim.event, endpoint: claim.endpoint)]?.delivery
                if row?.id != claim.id || row?.claim != claim.claim {
                    fail("\(claim) is said to be claimed, and is not")
                }
            }
            if let room = work.fanOut?.room, fanOut.claimed.count > room { fail("more claimed than there is room") }
        }
        let count = done?.outcomes ?? work.outcomes.count
        var lost = 0
        for outcome in work.outcomes.prefix(count) {
            let key = Key(event: outcome.delivery.event, endpoint: outcome.delivery.endpoint)
            // Nobody has said that it was done: then only what the file shows counts.
            if done == nil, after[key]?.delivery == deliveries[key] { continue }
            if !apply(outcome, key) { lost += 1 }
        }
        if let done, done.lost != lost { fail("\(done.lost) outcomes were lost, and \(lost) ought to be") }
        let wanted = Set(work.wanted.map(\.endpoint))
        for (key, row) in after where row.delivery.state == "claimed" && deliveries[key]?.state == "pending" {
            let isDue = before[key]?.next.map { $0 <= now.milliseconds } ?? true
            // One that an outcome of the same write gave back may be claimed again by it.
            let wasGivenBack = work.outcomes.contains { $0.delivery.id == row.delivery.id }
            guard let endpoint = key.endpoint, wanted.contains(endpoint), isDue || wasGivenBack else {
                fail("claimed unasked: \(key)")
                continue
            }
            deliveries[key]?.state = "claimed"
            deliveries[key]?.claim = row.delivery.claim
        }
        for (_, claimed, _) in done?.claimed ?? [] { held += claimed }
        held.removeAll { delivery in
            deliveries[Key(event: delivery.event, endpoint: delivery.endpoint)]?.claim != delivery.claim
        }
        try compare()
    }

    /// What becomes of an outcome; false where the claim is another's.
    func apply(_ outcome: DeliveryOutcome, _ key: Key) -> Bool {
        guard var row = deliveries[key], row.state == "claimed", row.claim == outcome.delivery.claim else {
            return false
        }
        if let attempt = outcome.attempt {
            row.attempt += 1
            if attempt.reason != nil { row.retry += 1 }
        }
        switch outcome.settlement {
        case .delivered: row.state = "delivered"
        case .retry: row.state = "pending"
        case .keep: break
        case .dead: row.state = "dead"
        }
        if row.state != "claimed" { row.claim = nil }
        deliveries[key] = row
        return true
    }

    /// Whom an event ought to be queued for, as the endpoints stand now.
    func expect(_ event: Event, _ seq: Int64, _ after: [Key: Stored]) {
        func add(_ endpoint: String?, _ states: [String]) {
            let key = Key(event: seq, endpoint: endpoint)
            // A test of the endpoint came first.
            if deliveries[key] != nil { return }
            guard let found = after[key]?.delivery else { return fail("\(key) is missing") }
            // What an outcome or a claim of the same write has changed can't be: it had not been handed out.
            if !states.contains(found.state), !(found.state == "claimed" && states.contains("pending")) {
                fail("\(key) is \(found.state), not \(states)")
            }
            deliveries[key] = Delivery(id: found.id, state: found.state, claim: found.claim)
        }
        guard let type = event.type else { return add(nil, ["dead"]) }
        for (id, endpoint) in endpoints
        where id != event.subject && endpoint.isActive && (endpoint.user == "op" || endpoint.user == event.user) {
            let wants =
                switch endpoint.wants {
                case .all, .broken: true
                case .exact: type == "other" || type == "usage.a"
                case .group: type.hasPrefix("usage.")
                case .nothing: false
                }
            guard wants else { continue }
            switch standings[id] ?? "enabled" {
            case _ where endpoint.wants == .broken || !endpoint.isURLFine: add(id, ["dead"])
            case "gone", "switched_off": add(id, ["dead"])
            case "failing": add(id, ["pending", "dead"])
            default: add(id, ["pending", "claimed"])
            }
        }
    }

    func stored() throws -> [Key: Stored] {
        let rows = try sample.rows(
            "SELECT event_seq, webhook_id, id, state, attempt, retry, claim, next_attempt_at FROM webhook_deliveries")
        var found: [Key: Stored] = [:]
        for row in rows {
            let key = Key(event: .fromDatabaseValue(row[0]) ?? 0, endpoint: .fromDatabaseValue(row[1]))
            if found[key] != nil { fail("\(key) is there twice") }
            found[key] = Stored(
                delivery: Delivery(
                    id: .fromDatabaseValue(row[2]) ?? 0, state: .fromDatabaseValue(row[3]) ?? "",
                    attempt: .fromDatabaseValue(row[4]) ?? 0, retry: .fromDatabaseValue(row[5]) ?? 0,
                    claim: .fromDatabaseValue(row[6])), next: .fromDatabaseValue(row[7]))
        }
        return found
    }

    func compare() throws {
        let found = try stored().mapValues(\.delivery)
        for (key, row) in found where deliveries[key] != row {
            fail("\(key) is \(row), and ought to be \(deliveries[key].map { "\($0)" } ?? "missing")")
        }
        for key in deliveries.keys where found[key] == nil { fail("\(key) is lost") }
    }

    /// What holds at the end of every history.
    func check() throws {
        for (what, sql) in [
            (
                "attempts with gaps, or of another number",
                """
                SELECT COUNT(*)
                FROM webhook_deliveries d
                WHERE d.attempt <> (SELECT COUNT(*) FROM webhook_attempts a WHERE a.delivery_id = d.id)
                   OR d.attempt <> (SELECT COALESCE(MAX(a.attempt), 0) FROM webhook_attempts a WHERE a.delivery_id = d.id)
                """
            ),
            (
                "dead without a reason",
                "SELECT COUNT(*) FROM webhook_deliveries WHERE state = 'dead' AND reason IS NULL"
            ),
            ("claims", "SELECT COUNT(*) FROM webhook_deliveries WHERE state = 'claimed'"),
            (
                "delivered without an attempt that succeeded",
                """
                SELECT COUNT(*)
                FROM webhook_deliveries d
                WHERE d.state = 'delivered'
                  AND NOT EXISTS (
                    SELECT 1 FROM webhook_attempts a WHERE a.delivery_id = d.id AND a.attempt = d.attempt AND a.reason IS NULL
                  )
                """
            ),
            (
                "events that nobody has dealt with",
                "SELECT COUNT(*) FROM webhook_events WHERE seq > (SELECT fanned_out FROM webhook_outbox)"
            ),
        ] where try sample.value(sql) != 0 { fail("there are \(what)") }
        if events.count != (try sample.value("SELECT COUNT(*) FROM webhook_events") ?? 0) { fail("events are lost") }
    }
}
