import Foundation
import GRDB
import Scheduling
import Storage
import Synchronization
import TestSupport
import Testing
import Webhooks

/// tallyd and its operators: writing, cut anywhere, and beginning again.
extension OutboxHistory {
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
        // What is kept of an endpoint goes with it.
        standings = standings.filter { endpoints[$0.key] != nil }
        ordered = ordered.filter { endpoints[$0] != nil }
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
        for delivery in late where chance(35) { work.outcomes.append(outcome(delivery)) }
        work.outcomes.shuffle(using: &random)
        for number in 0...5 where chance(late.isEmpty ? 25 : 60) { work.wanted.append(("e\(number)", pick(1...4))) }
        let before = try stored()
        if !isWhole, chance(35) { fuse.light(pick(1...600)) }
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

    /// The daemon's or an operator's word on an endpoint.
    func judge() async throws {
        let id = "e\(pick(0...5))"
        guard endpoints[id] != nil else { return }
        switch pick(1...4) {
        case 1:
            let isEnabled = chance(70)
            _ = try await outbox.setStanding(id, enabled: isEnabled, now: now)
            if !isEnabled, standings[id] != "switched_off" { try expectNotice(of: id) }
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
            try expectNotice(of: id)
        }
        log.append("\(id) is \(standings[id] ?? "as it was"), ordered: \(ordered)")
        try compare()
    }

    private func expectNotice(of id: String) throws {
        let seq: Int64 = try sample.value("SELECT MAX(seq) FROM webhook_events") ?? 0
        if events[seq] != nil { fail("nothing tells that \(id) was disabled") }
        events[seq] = Event(user: endpoints[id]?.user, type: "webhook.endpoint_disabled", subject: id)
    }

    /// An event for one endpoint alone, whatever it has asked for; it is fanned out besides.
    func test() async throws {
        let id = "e\(pick(0...5))"
        guard endpoints[id] != nil, let sent = try await outbox.test(id, payload: "{}", now: now) else { return }
        let seq: Int64 = try sample.value("SELECT MAX(seq) FROM webhook_events") ?? 0
        events[seq] = Event(user: nil, type: "webhook.test")
        deliveries[Key(event: seq, endpoint: id)] = Delivery(id: sent.delivery, state: "pending")
        log.append("\(id) tested by \(seq)")
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
}
