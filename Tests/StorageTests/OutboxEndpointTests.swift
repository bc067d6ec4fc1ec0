import Foundation
import GRDB
import Scheduling
import Testing
import Webhooks

@testable import Storage

/// What is kept of an endpoint, and what operators do with it.
@Suite struct OutboxEndpointTests {
    private let sample: SampleDatabase
    private let outbox: Outbox
    private let now = SampleDatabase.outboxNow

    init() throws {
        sample = try SampleDatabase()
        outbox = Outbox(store: try sample.store(steps: .unhurried))
        try sample.endpoint("w")
    }

    private func record(_ endpoint: String = "w") async throws -> EndpointRecord? {
        try await outbox.store.read { db in try EndpointRecord.read(db, endpoint) }
    }

    private func write(_ record: EndpointRecord, _ notice: EndpointChange.Notice? = nil) async throws -> Outbox.Done {
        var work = Outbox.Work()
        work.revision = try await outbox.look().revision
        work.changes = [EndpointChange("w", record, notice)]
        return try await outbox.write(work, now: now)
    }

    static let healths: [EndpointHealth] = [
        EndpointHealth(),
        EndpointHealth(
            breaker: CircuitBreaker(state: .open(until: SampleDatabase.later(9)), failures: 6, openings: 2),
            failingSince: SampleDatabase.later(-3), failedAttempts: 6),
        EndpointHealth(
            standing: .disabled(.failing, since: SampleDatabase.later(1), nextProbe: SampleDatabase.later(2)),
            failingSince: SampleDatabase.later(0), failedAttempts: 40, failedProbes: 3),
        EndpointHealth(standing: .disabled(.gone, since: SampleDatabase.later(1), nextProbe: nil)),
        EndpointHealth(standing: .disabled(.switchedOff, since: SampleDatabase.later(1), nextProbe: nil)),
    ]

    @Test(arguments: healths) func `how an endpoint is doing comes back from its row as it was`(health: EndpointHealth)
        async throws
    {
        var record = EndpointRecord()
        record.health = health
        record.urlDigest = EndpointRecord.digest("https://example.org/hook")
        #expect(try await write(record).changes == 1)
        #expect(try await self.record() == record)
        #expect(
            try await outbox.load([ClaimedDelivery(id: 1, event: 1, endpoint: "w", claim: 1, attempt: 0, retry: 0)])
                .endpoints["w"]?.record == record)
    }

    @Test func `an attempt that was to decide is lost with its process, and another may decide at once`() async throws {
        var record = EndpointRecord()
        record.health.breaker = CircuitBreaker(state: .halfOpen, failures: 5, openings: 1)
        _ = try await write(record)
        #expect(try await self.record()?.health.admission(at: now) == .send)
    }

    @Test func `what the daemon finds out leaves alone what was wished for`() async throws {
        var wishes = Outbox.Wishes()
        wishes.format = .cloudEvents
        wishes.isOrdered = true
        wishes.maxInFlight = 3
        wishes.ratePerSecond = 0.5
        #expect(try await outbox.setWishes(wishes, of: "w"))
        _ = try await write(EndpointRecord())
        var none = Outbox.Wishes()
        none.maxInFlight = .some(nil)
        #expect(try await outbox.setWishes(none, of: "w"))
        let record = try #require(try await record())
        #expect(record.format == .cloudEvents && record.isOrdered && record.maxInFlight == nil)
        #expect(record.ratePerSecond == 0.5)
        #expect(try await !outbox.setWishes(wishes, of: "unknown"))
    }

    @Test func `a change that was made before a command is dropped, and the daemon told to read anew`() async throws {
        let before = try await outbox.look().revision
        #expect(try await outbox.setStanding("w", enabled: false, now: now))
        var work = Outbox.Work()
        work.revision = before
        work.changes = [EndpointChange("w", EndpointRecord(), .enabled)]
        let done = try await outbox.write(work, now: now)
        #expect(done.changes == 1 && done.revision == before + 1)
        #expect(try sample.value("SELECT standing FROM webhook_endpoints") == "switched_off")
    }

    @Test func `a disabled endpoint is told of to its owner's others and in the audit log`() async throws {
        var record = EndpointRecord()
        record.health.standing = .disabled(.gone, since: now, nextProbe: nil)
        _ = try await write(record, .disabled(.gone))
        try sample.endpoint("x")
        _ = try await outbox.fanOut()
        // Not to itself: that would be a dead letter about nothing but itself.
        #expect(try sample.queued() == ["1 → x: claimed"])
        #expect(
            try sample.rows("SELECT user_id, event_type, payload FROM webhook_events") == [
                [
                    "u".databaseValue, "webhook.endpoint_disabled".databaseValue,
                    #"{"cause":"gone","endpoint":"w"}"#.databaseValue,
                ]
            ])
        #expect(
            try sample.value("SELECT resource_id FROM audit_logs WHERE action = 'webhook.endpoint_disabled'") == "w")
    }

    @Test func `switched off stays switched off, and enabled begins anew`() async throws {
        #expect(try await outbox.setStanding("w", enabled: false, now: now))
        try sample.event()
        _ = try await outbox.fanOut()
        #expect(try await outbox.setStanding("w", enabled: true, now: now))
        try sample.event()
        _ = try await outbox.fanOut()
        #expect(try sample.queued() == ["2 → w: dead endpoint_disabled", "3 → w: claimed"])
        #expect(try await record()?.health == EndpointHealth())
        #expect(try await !outbox.setStanding("unknown", enabled: true, now: now))
        #expect(
            try sample.value("SELECT COUNT(*) FROM audit_logs WHERE action LIKE 'webhook.endpoint_%abled'") == 2)
    }

    @Test func `what has happened is told of though a command has come since, and does not undo that`() async throws {
        var work = Outbox.Work()
        work.revision = try await outbox.look().revision
        var record = EndpointRecord()
        record.health.standing = .disabled(.failing, since: now, nextProbe: now)
        work.changes = [EndpointChange("w", record, .disabled(.failing)), EndpointChange("w", record)]
        #expect(try await outbox.setStanding("w", enabled: true, now: now))
        #expect(try await outbox.write(work, now: now).changes == 2)
        #expect(try sample.value("SELECT standing FROM webhook_endpoints") == "enabled")
        #expect(
            try sample.value("SELECT payload FROM webhook_events") == #"{"cause":"failing","endpoint":"w"}"#)
        // The same where the daemon has heard of the command before.
        work.revision = try await outbox.look().revision
        work.changes = [EndpointChange("w", record, .disabled(.failing)).tellingOnly]
        #expect(try await outbox.write(work, now: now).changes == 1)
        #expect(try sample.value("SELECT standing FROM webhook_endpoints") == "enabled")
        #expect(try sample.value("SELECT COUNT(*) FROM webhook_events") == 2)
    }

    @Test func `what is switched off by hand is told of once, to all but itself`() async throws {
        for id in ["w", "w", "none"] { _ = try await outbox.setStanding(id, enabled: false, now: now) }
        try sample.endpoint("x")
        try sample.endpoint("o", of: "op")
        _ = try await outbox.fanOut(FanOutPlan(operators: ["op"]))
        #expect(try sample.queued() == ["1 → o: claimed", "1 → x: claimed"])
        #expect(
            try sample.value("SELECT user_id || ' ' || payload FROM webhook_events")
                == #"u {"cause":"switched_off","endpoint":"w"}"#)
        // A gateway's own, of whatever payload: none of it ends the statement.
        for payload in ["{", #"{"endpoint":"x"}"#, #"{"endpoint":{"a":1}}"#, "[]", "7"] {
            try sample.event("webhook.endpoint_disabled", payload: payload)
        }
        _ = try await outbox.setStanding("w", enabled: true, now: now)
        _ = try await outbox.fanOut()
        #expect(
            try sample.queued().dropFirst(2) == [
                "2 → nobody: dead payload_not_json", "3 → w: claimed", "4 → w: claimed", "4 → x: claimed",
                "5 → w: claimed", "5 → x: claimed", "6 → w: claimed", "6 → x: claimed",
            ])
    }

    @Test func `enabling has all that is queued come due, whatever its retries said`() async throws {
        for _ in 0..<1_203 { try sample.event() }
        while try await outbox.look().hasEvents { _ = try await outbox.fanOut(FanOutPlan(room: 0)) }
        try sample.execute(
            "UPDATE webhook_deliveries SET next_attempt_at = ? + id WHERE id <= 1200",
            [SampleDatabase.later(86_400).milliseconds])
        #expect(try await outbox.setStanding("w", enabled: true, now: now))
        #expect(try await outbox.due().map(\.at) == [now])
        #expect(
            try sample.value(
                "SELECT COUNT(*) FROM webhook_deliveries WHERE state = 'pending' AND next_attempt_at = \(now.milliseconds)"
            )
                == 1_203)
    }

    @Test func `of an endpoint that is gone or fails, another url with another secret is a new endpoint`() async throws
    {
        for standing in [EndpointHealth.Cause.gone, .failing, .switchedOff] {
            try sample.execute("UPDATE webhooks SET url = 'https://a.example/', secret = 'one' WHERE id = 'w'")
            var record = EndpointRecord()
            _ = record.takeIn(url: "https://a.example/", secret: "one")
            record.health.standing = .disabled(standing, since: now, nextProbe: standing == .failing ? now : nil)
            _ = try await write(record)
            let seq = try sample.event()
            _ = try await outbox.fanOut(FanOutPlan(room: 0))
            try sample.execute("UPDATE webhooks SET url = 'https://b.example/' WHERE id = 'w'")
            try sample.event()
            _ = try await outbox.fanOut()
            try sample.execute("UPDATE webhooks SET secret = 'two' WHERE id = 'w'")
            try sample.event()
            _ = try await outbox.fanOut()
            let states = try sample.rows(
                "SELECT state FROM webhook_deliveries WHERE event_seq >= \(seq) ORDER BY event_seq"
            ).compactMap { String.fromDatabaseValue($0[0]) }
            switch standing {
            case .gone: #expect(states == ["dead", "dead", "claimed"])
            case .failing: #expect(states == ["pending", "dead", "claimed"])
            case .switchedOff: #expect(states == ["dead", "dead", "dead"], "what somebody has said holds")
            }
        }
    }

    @Test func `enabling takes the present url for meant, and lets no former secret sign for it`() async throws {
        func standing() async throws -> EndpointRecord {
            try #require(try await OutboxReport(store: outbox.store).endpoints().first?.record)
        }
        #expect(try await outbox.setStanding("w", enabled: true, now: now))
        try sample.execute("UPDATE webhooks SET url = 'https://b.example/' WHERE id = 'w'")
        #expect(try await standing().isURLChanged)
        try sample.execute("UPDATE webhooks SET url = 'https://example.org/hook' WHERE id = 'w'")
        #expect(try await !standing().isURLChanged, "it was changed back")
        #expect(
            try await outbox.rotateSecret(
                "w", to: "another secret of a gateway", overlapEnd: SampleDatabase.later(1_000), now: now))
        #expect(try await standing().former.count == 1)
        #expect(try await outbox.setStanding("w", enabled: true, now: now))
        #expect(try await standing().former.count == 1, "it is the same url")
        try sample.execute("UPDATE webhooks SET url = 'https://b.example/' WHERE id = 'w'")
        #expect(try await outbox.setStanding("w", enabled: true, now: now))
        #expect(try await standing().former.isEmpty)
        #expect(try await !standing().isURLChanged)
    }

    @Test func `of former secrets the newest eight sign`() async throws {
        for number in 0..<12 {
            let secret = try WebhookSecret.generate(.hmacSHA256, from: Array(repeating: UInt8(number), count: 32))
            _ = try await outbox.rotateSecret(
                "w", to: secret.serialized, overlapEnd: SampleDatabase.later(1_000 + Int64(number)), now: now)
        }
        let former = try #require(try await record()).former
        #expect(former.map(\.until) == (4..<12).reversed().map { SampleDatabase.later(1_000 + Int64($0)) })
    }

    // MARK: The url and its secret

    @Test func `a url that changed alone waits, until it is changed back, enabled, or has a secret of its own`() {
        var record = EndpointRecord()
        func takeIn(_ url: String, _ secret: String?) -> [Bool] {
            [record.takeIn(url: url, secret: secret), record.isURLChanged]
        }
        #expect(takeIn("https://a/", "s1") == [true, false])
        #expect(takeIn("https://a/", "s1") == [false, false])
        #expect(takeIn("https://b/", "s1") == [true, true])
        #expect(takeIn("https://b/", "s1") == [false, true], "nothing new")
        #expect(takeIn("https://a/", "s1") == [true, false], "changed back")
        #expect(takeIn("https://a/", "s2") == [true, false], "its owner's new secret")
        #expect(takeIn("https://b/", "s2") == [true, true])
        record.health.failedAttempts = 9
        record.former = [.init(secret: "s1", until: now)]
        #expect(takeIn("https://b/", "s3") == [true, false], "both are new")
        #expect(record.health == EndpointHealth() && record.former.isEmpty)
        #expect(takeIn("https://b/", nil) == [true, false])
        #expect(takeIn("https://c/", nil) == [true, false], "nothing is signed")
    }

    @Test func `whoever may write the url can't undo that an operator has switched the endpoint off`() async throws {
        var record = EndpointRecord()
        _ = record.takeIn(url: "https://a/", secret: "s1")
        record.health.switchOff(at: now)
        let off = record.health
        _ = record.takeIn(url: "https://b/", secret: "s1")
        _ = try await write(record)
        #expect(try sample.value("SELECT standing FROM webhook_endpoints") == "switched_off")
        record = try #require(try await self.record())
        _ = record.takeIn(url: "https://a/", secret: "s1")
        #expect(record.health == off)
        _ = record.takeIn(url: "https://b/", secret: "s2")
        #expect(record.health == off)
        // And the other way round: one that waits for its url is switched off.
        var waiting = EndpointRecord()
        waiting.isURLChanged = true
        _ = try await write(waiting)
        #expect(try sample.value("SELECT standing FROM webhook_endpoints") == "url_changed")
        #expect(try await outbox.setStanding("w", enabled: false, now: now))
        #expect(try sample.value("SELECT standing FROM webhook_endpoints") == "switched_off")
    }

    @Test func `a new secret signs beside the old one for a while`() async throws {
        let until = SampleDatabase.later(1_000)
        var record = EndpointRecord()
        _ = record.takeIn(url: "https://example.org/hook", secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        _ = try await write(record)
        #expect(try await outbox.rotateSecret("w", to: "second", overlapEnd: until, now: now))
        #expect(try sample.value("SELECT secret FROM webhooks") == "second")
        let first = try #require(try await self.record())
        #expect(first.former == [.init(secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", until: until)])
        #expect(first.secretDigest == EndpointRecord.digest("second"))
        #expect(try await outbox.rotateSecret("w", to: "third", overlapEnd: SampleDatabase.later(2_000), now: until))
        #expect(try await self.record()?.former.map(\.secret) == ["second"], "what has run out is forgotten")
        #expect(
            try sample.value(
                "SELECT COUNT(*) FROM audit_logs WHERE instr(metadata, 'second') + instr(metadata, 'third')")
                == 0)
        #expect(try await !outbox.rotateSecret("unknown", to: "x", overlapEnd: until, now: now))
    }

    @Test func `a secret that was given for another url does not sign for the new one`() async throws {
        var record = EndpointRecord()
        _ = record.takeIn(url: "https://example.org/hook", secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        _ = try await write(record)
        #expect(try await outbox.rotateSecret("w", to: "second", overlapEnd: SampleDatabase.later(9), now: now))
        try sample.execute("UPDATE webhooks SET url = 'https://example.net/'")
        #expect(try await outbox.rotateSecret("w", to: "third", overlapEnd: SampleDatabase.later(9), now: now))
        #expect(try await self.record()?.former == [])
        // The same where the gateway changes both.
        #expect(try await outbox.rotateSecret("w", to: "fourth", overlapEnd: SampleDatabase.later(9), now: now))
        var present = try #require(try await self.record())
        #expect(present.former.map(\.secret) == ["third"])
        _ = present.takeIn(url: "https://example.com/", secret: "fifth")
        _ = try await write(present)
        #expect(try await self.record()?.former == [])
    }

    @Test func `what is kept of an endpoint goes once the endpoint is gone, with its former secrets`() async throws {
        try sample.endpoint("x")
        for id in ["w", "x"] {
            #expect(try await outbox.rotateSecret(id, to: "next", overlapEnd: SampleDatabase.later(9), now: now))
        }
        try sample.execute("DELETE FROM webhooks WHERE id = 'w'")
        _ = try await outbox.open()
        #expect(try sample.value("SELECT group_concat(webhook_id) FROM webhook_endpoints") == "x")
        let version: Int64? = try sample.value("PRAGMA data_version")
        _ = try await outbox.open()
        #expect(try sample.value("PRAGMA data_version") == version)
    }

    // MARK: Replay

    @Test func `a replay queues again what was chosen, with a schedule that begins anew`() async throws {
        try sample.endpoint("x", of: "v")
        for _ in 0..<3 { try sample.event() }
        try sample.event("other.type", of: "v")
        let all = try await outbox.fanOut().claimed
        _ = try await outbox.settle([
            DeliveryOutcome(all[0], .delivered(), .delivered),
            DeliveryOutcome(all[1], .failed(), .dead(reason: "retries_spent")),
            DeliveryOutcome(all[3], .failed(), .dead(reason: "retries_spent")),
        ])
        func count(_ change: (inout Outbox.Selection) -> Void) async throws -> Int {
            var selection = Outbox.Selection()
            change(&selection)
            return try await outbox.countReplay(selection)
        }
        #expect(try await count { _ in } == 3, "one that is claimed goes anyway")
        #expect(try await count { $0.states = [.dead] } == 2)
        #expect(try await count { $0.endpoint = "x" } == 1)
        #expect(try await count { $0.user = "v" } == 1)
        #expect(try await count { $0.type = "usage.recorded" } == 2)
        #expect(try await count { $0.delivery = all[0].id } == 1)
        #expect(try await count { $0.from = SampleDatabase.later(1) } == 0)
        #expect(try await count { $0.until = now } == 0)
        var selection = Outbox.Selection()
        selection.states = [.dead]
        selection.endpoint = "w"
        let revision = try await outbox.look().revision
        #expect(try await outbox.replay(selection, now: SampleDatabase.later(5)) == 1)
        #expect(try await outbox.look().revision > revision)
        let again = try #require(try await outbox.claim("w", at: SampleDatabase.later(5)).deliveries.first)
        #expect(again.id == all[1].id && again.attempt == 1 && again.retry == 0)
        _ = try await outbox.settle([DeliveryOutcome(again, .delivered(), .delivered)])
        #expect(
            try sample.value("SELECT group_concat(attempt) FROM webhook_attempts WHERE delivery_id = ?", [again.id])
                == "1,2")
        try sample.execute("DELETE FROM webhooks WHERE id = 'x'")
        #expect(try await count { $0.states = [.dead] } == 0, "its endpoint is gone")
    }

    @Test func `a replay of many goes in parts, and each once`() async throws {
        for _ in 0..<1_203 { try sample.event() }
        while try await !outbox.fanOut().isComplete {}
        try sample.execute(
            "UPDATE webhook_deliveries SET state = 'dead', claim = NULL, reason = 'x', settled_at = 1")
        #expect(try await outbox.replay(Outbox.Selection(), now: now) == 1_203)
        #expect(try sample.value("SELECT COUNT(*) FROM webhook_deliveries WHERE state = 'pending'") == 1_203)
    }

    @Test func `an event that was entered by hand is fanned out like a gateway's`() async throws {
        let id = try await outbox.send(type: try EventType("x.y"), payload: "{}", user: "u", now: now)
        #expect(id.hasPrefix("evt_"))
        let claimed = try await outbox.fanOut().claimed
        #expect(try await outbox.load(claimed).messages.values.map(\.id) == [id])
    }
}
