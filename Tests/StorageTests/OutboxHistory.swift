import Foundation
import GRDB
import Scheduling
import Storage
import Synchronization
import TestSupport
import Testing
import Webhooks

/// One history of the outbox: a gateway, operators, a daemon that is cut in the middle of any statement, and workers that come too late; beside it plain
/// dictionaries that know what ought to be queued.
final class OutboxHistory {
    let seed: UInt64
    var random: SplitMix64
    let sample: SampleDatabase
    let fuse = Fuse()
    var log: [String] = []
    var now = SampleDatabase.outboxNow

    // What ought to be there.
    var endpoints: [String: Endpoint] = [:]
    /// Of an id, whether or not it has an endpoint now.
    var standings: [String: String] = [:]
    var ordered: Set<String> = []
    var events: [Int64: Event] = [:]
    var deliveries: [Key: Delivery] = [:]
    var cursor: Int64 = 0

    // The process.
    var outbox: Outbox
    var held: [ClaimedDelivery] = []
    /// Of processes that are gone, whose workers are not.
    var late: [ClaimedDelivery] = []

    enum Wants: CaseIterable { case all, exact, group, nothing, broken }

    struct Endpoint {
        var user: String
        var wants: Wants
        var isURLFine: Bool
        var isActive: Bool
    }

    struct Event {
        var user: String?
        /// Nil: it can be told to nobody.
        var type: String?
    }

    struct Key: Hashable {
        var event: Int64
        var endpoint: String?
    }

    struct Delivery: Equatable {
        var id: Int64
        var state: String
        var attempt = 0
        var retry = 0
        var claim: Int64?
    }

    struct Stored {
        var delivery: Delivery
        var next: Int64?
    }

    init(seed: UInt64) throws {
        self.seed = seed
        random = SplitMix64(seed: seed)
        sample = try SampleDatabase()
        outbox = Outbox(store: try sample.store())
    }

    func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    func chance(_ percent: Int) -> Bool { pick(1...100) <= percent }

    func run() async throws {
        try await restart()
        for _ in 0..<pick(10...45) {
            now = Instant(milliseconds: now.milliseconds + Int64(chance(5) ? -pick(1...5_000) : pick(0...400)))
            switch pick(1...20) {
            case 1...6: try insertEvents()
            case 7...8: try changeEndpoint()
            case 9...16: try await write()
            case 17: try await replay()
            case 18...19: try await judge()
            default: try await restart()
            }
        }
        try await restart()
        while try await outbox.look().hasEvents { try await write(isWhole: true) }
        try await restart()
        try check()
    }

    // MARK: The gateway

    static let types = ["usage.a", "usage.b.c", "other", "usage"]

    func insertEvents() throws {
        for _ in 0..<pick(1...4) {
            let user = ["u", "v", "op", nil].randomElement(using: &random) ?? nil
            let type = Self.types.randomElement(using: &random) ?? "other"
            let isOdd = chance(20)
            let seq: Int64
            if isOdd {
                switch pick(1...6) {
                case 1: seq = try sample.event(type, of: user, id: "a.\(random.next())")
                case 2: seq = try sample.event("\(type)..x", of: user)
                case 3: seq = try sample.event(type, of: user, payload: "{")
                case 4: seq = try sample.event(type, of: user, payload: Data("{}".utf8))
                case 5: seq = try sample.event(type, of: user, payload: 5)
                default: seq = try sample.event(type, of: Data("u".utf8))
                }
            } else {
                seq = try sample.event(type, of: user)
            }
            events[seq] = Event(user: user, type: isOdd ? nil : type)
        }
        log.append("events to \(events.count)")
    }

    func changeEndpoint() throws {
        let id = "e\(pick(0...5))"
        if endpoints[id] != nil, chance(25) {
            try sample.execute("DELETE FROM webhooks WHERE id = ?", [id])
            endpoints[id] = nil
            log.append("\(id) deleted")
            return
        }
        let endpoint = Endpoint(
            user: ["u", "v", "op"].randomElement(using: &random) ?? "u",
            wants: Wants.allCases.randomElement(using: &random) ?? .all, isURLFine: chance(85), isActive: chance(85))
        let filter =
            switch endpoint.wants {
            case .all: #"["*"]"#
            case .exact: #"["other","usage.a"]"#
            case .group: #"["usage.*"]"#
            case .nothing: "[]"
            case .broken: "usage.*"
            }
        let active: [any DatabaseValueConvertible] = endpoint.isActive ? [true, 1, "true"] : [false, 0, "false"]
        try sample.execute(
            "INSERT OR REPLACE INTO webhooks (id, user_id, url, events, is_active) VALUES (?, ?, ?, ?, ?)",
            [
                id, endpoint.user, endpoint.isURLFine ? "https://example.org/\(id)" : "", filter,
                active.randomElement(using: &random),
            ])
        endpoints[id] = endpoint
        log.append("\(id) is \(endpoint)")
    }

    // MARK: The daemon

    /// A new process; what the one before had claimed is a late worker's now.
    func restart() async throws {
        late = Array((late + held).suffix(12))
        held = []
        let stepSeed = random.next()
        let state = Mutex(SplitMix64(seed: stepSeed))
        let steps = Allowance.Steps { state.withLock { Int.random(in: 0...4, using: &$0) == 0 } }
        outbox = Outbox(store: try sample.store(steps: steps) { [fuse] db in fuse.watch(db) })
        if chance(30) {
            fuse.light(pick(1...400))
            _ = try? await outbox.open()
            fuse.light(-1)
        }
        let opening = try await outbox.open()
        log.append("restarted, freed \(opening.freed)")
        for (key, delivery) in deliveries where delivery.state == "claimed" {
            deliveries[key]?.state = "pending"
            deliveries[key]?.claim = nil
        }
        if try sample.value("SELECT COUNT(*) FROM webhook_deliveries WHERE state = 'claimed'") != 0 {
            fail("claims are left after a start")
        }
        try compare()
    }

    func outcome(_ delivery: ClaimedDelivery) -> DeliveryOutcome {
        let failed = AttemptRecord.failed(at: now)
        return switch pick(1...10) {
        case 1...4: DeliveryOutcome(delivery, .delivered(at: now), .delivered)
        case 5...6:
            DeliveryOutcome(
                delivery, failed, .retry(at: Instant(milliseconds: now.milliseconds + Int64(pick(0...900)))))
        case 7: DeliveryOutcome(delivery, nil, .retry(at: now))
        case 8: DeliveryOutcome(delivery, failed, .keep)
        case 9: DeliveryOutcome(delivery, failed, .dead(reason: "retries_spent"))
        default: DeliveryOutcome(delivery, nil, .dead(reason: "endpoint_deleted"))
        }
    }

    /// One write of all kinds of work, cut in one case of three.
    func write(isWhole: Bool = false) async throws {
        var work = Outbox.Work()
        let room = chance(50) ? pick(0...6) : .max
        let ordinary = chance(50) ? pick(0...3) : .max
        if isWhole || chance(75) {
            work.fanOut = FanOutPlan(operators: ["op"], room: room, ordinaryRoom: ordinary)
        }
        for delivery in held where chance(60) { work.outcomes.append(outcome(delivery)) }
        for delivery in late where chance(20) { work.outcomes.append(outcome(delivery)) }
        work.outcomes.shuffle(using: &random)
        for number in 0...5 where chance(25) { work.wanted.append(("e\(number)", pick(1...4))) }
        let before = try stored()
        if !isWhole, chance(35) { fuse.light(pick(1...900)) }
        var done: Outbox.Done?
        do {
            done = try await outbox.write(work, now: now)
        } catch {
            log.append("cut: \(error)")
        }
        fuse.light(-1)
        try reconcile(work, done, before)
        log.append("written: \(done.map { "\($0.fanOut?.events ?? 0) events, \($0.outcomes) outcomes" } ?? "perhaps")")
        if done == nil, chance(50) { try await restart() }
    }

    /// Brings the dictionaries to what the write ought to have done, and compares. A write that failed was undone, or (where the COMMIT itself was
    /// interrupted behind its last step) is there as a whole.
    private func reconcile(_ work: Outbox.Work, _ done: Outbox.Done?, _ before: [Key: Stored]) throws {
        let after = try stored()
        let moved: Int64 = try sample.value("SELECT fanned_out FROM webhook_outbox") ?? 0
        if let done, Int64(events.keys.filter { $0 > cursor && $0 <= moved }.count) != done.fanOut?.events ?? 0 {
            fail("the cursor went from \(cursor) to \(moved)")
        }
        for (seq, event) in events where seq > cursor && seq <= moved { expect(event, seq, after) }
        cursor = moved
        if let fanOut = done?.fanOut {
            held += fanOut.claimed
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
    private func apply(_ outcome: DeliveryOutcome, _ key: Key) -> Bool {
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
    private func expect(_ event: Event, _ seq: Int64, _ after: [Key: Stored]) {
        func add(_ endpoint: String?, _ states: [String]) {
            let key = Key(event: seq, endpoint: endpoint)
            guard let found = after[key]?.delivery else { return fail("\(key) is missing") }
            // What an outcome or a claim of the same write has changed can't be: it had not been handed out.
            if !states.contains(found.state), !(found.state == "claimed" && states.contains("pending")) {
                fail("\(key) is \(found.state), not \(states)")
            }
            deliveries[key] = Delivery(id: found.id, state: found.state, claim: found.claim)
        }
        guard let type = event.type else { return add(nil, ["dead"]) }
        for (id, endpoint) in endpoints
        where endpoint.isActive && (endpoint.user == "op" || endpoint.user == event.user) {
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

    /// The daemon's or an operator's word on an endpoint.
    func judge() async throws {
        let id = "e\(pick(0...5))"
        guard endpoints[id] != nil else { return }
        switch pick(1...4) {
        case 1:
            let isEnabled = chance(70)
            _ = try await outbox.setStanding(id, enabled: isEnabled, now: now)
            standings[id] = isEnabled ? "enabled" : "switched_off"
        case 2:
            var wishes = Outbox.Wishes()
            wishes.isOrdered = chance(50)
            _ = try await outbox.setWishes(wishes, of: id)
            if wishes.isOrdered == true { ordered.insert(id) } else { ordered.remove(id) }
        case 3:
            var work = Outbox.Work()
            work.revision = try await outbox.look().revision
            var record = EndpointRecord()
            record.health.standing = .disabled(.failing, since: now, nextProbe: now)
            work.changes = [EndpointChange(id, record)]
            _ = try await outbox.write(work, now: now)
            standings[id] = "failing"
        default:
            var work = Outbox.Work()
            work.revision = try await outbox.look().revision
            var record = EndpointRecord()
            record.health.standing = .disabled(.gone, since: now, nextProbe: nil)
            work.changes = [EndpointChange(id, record, .disabled(.gone))]
            _ = try await outbox.write(work, now: now)
            standings[id] = "gone"
            let seq: Int64 = try sample.value("SELECT MAX(seq) FROM webhook_events") ?? 0
            events[seq] = Event(user: endpoints[id]?.user, type: "webhook.endpoint_disabled")
        }
        log.append("\(id) is \(standings[id] ?? "as it was"), ordered: \(ordered)")
        try compare()
    }

    func replay() async throws {
        var selection = Outbox.Selection()
        if chance(60) { selection.states = [.dead] }
        if chance(50) { selection.endpoint = "e\(pick(0...5))" }
        let expected = deliveries.filter { key, row in
            guard let endpoint = key.endpoint, endpoints[endpoint] != nil, row.state != "claimed" else { return false }
            return (selection.endpoint == nil || selection.endpoint == endpoint)
                && (selection.states.isEmpty || row.state == "dead")
        }
        let count = try await outbox.replay(selection, now: now)
        if count != expected.count { fail("\(count) replayed, and \(expected.count) ought to be") }
        for key in expected.keys {
            deliveries[key]?.state = "pending"
            deliveries[key]?.retry = 0
        }
        log.append("replayed \(count)")
        try compare()
    }

    // MARK: Comparing

    private func stored() throws -> [Key: Stored] {
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

    private func compare() throws {
        let found = try stored().mapValues(\.delivery)
        for (key, row) in found where deliveries[key] != row {
            fail("\(key) is \(row), and ought to be \(deliveries[key].map { "\($0)" } ?? "missing")")
        }
        for key in deliveries.keys where found[key] == nil { fail("\(key) is lost") }
    }

    /// What holds at the end of every history.
    private func check() throws {
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

    func fail(_ text: String) {
        Issue.record("seed \(seed): \(text)\n  \(log.suffix(30).joined(separator: "\n  "))")
    }
}
