import Foundation
import GRDB
import Scheduling
import Storage
import Synchronization
import Testing
import Webhooks

/// Whom an event is queued for, and what becomes of those that can be told to nobody.
@Suite struct OutboxFanOutTests {
    private let sample: SampleDatabase
    private let outbox: Outbox

    init() throws {
        sample = try SampleDatabase()
        outbox = Outbox(store: try sample.store(steps: .unhurried))
    }

    @Test func `an endpoint is told of the types it has asked for`() async throws {
        try sample.endpoint("all")
        try sample.endpoint("exact", events: #"["usage.recorded"]"#)
        try sample.endpoint("group", events: #"["usage.*"]"#)
        try sample.endpoint("none", events: "[]")
        try sample.endpoint("other", of: "somebody else")
        try sample.event("usage.recorded")
        try sample.event("usage")
        try sample.event("usage.day.sealed")
        let done = try await outbox.fanOut()
        #expect(
            try sample.queued() == [
                "1 → all: claimed", "1 → exact: claimed", "1 → group: claimed", "2 → all: claimed",
                "3 → all: claimed", "3 → group: claimed",
            ])
        #expect(done.events == 3 && done.isComplete && done.dead.isEmpty && done.queued.isEmpty)
        #expect(done.claimed.count == 6 && Set(done.claimed.map(\.claim)).count == 6)
        for delivery in done.claimed {
            #expect(
                try sample.value(
                    "SELECT claim = ? AND event_seq = ? AND webhook_id = ? FROM webhook_deliveries WHERE id = ?",
                    [delivery.claim, delivery.event, delivery.endpoint, delivery.id]) == true)
        }
        #expect(try sample.value("SELECT fanned_out FROM webhook_outbox") == 3)
        #expect(try await outbox.fanOut().events == 0)
        #expect(try sample.queued().count == 6, "once each")
    }

    @Test func `operators are told of everybody's events and of nobody's, once where they are the user or named twice`()
        async throws
    {
        try sample.endpoint("op", of: "operator")
        try sample.endpoint("mine", of: "u")
        try sample.event(of: "u")
        try sample.event(of: nil)
        try sample.event(of: "operator")
        let done = try await outbox.fanOut(FanOutPlan(operators: ["operator", "operator"]))
        #expect(
            try sample.queued() == ["1 → op: claimed", "1 → mine: claimed", "2 → op: claimed", "3 → op: claimed"])
        #expect(done.claimed.count == 4)
    }

    @Test(arguments: ["1", "TRUE", "'true'", "'TRUE'", "1.0", "'1'"])
    func `an endpoint is active as clients write it`(value: String) async throws {
        try sample.endpoint("w")
        try sample.execute("UPDATE webhooks SET is_active = \(value)")
        try sample.event()
        #expect(try await outbox.fanOut().claimed.count == 1)
    }

    @Test(arguments: ["0", "FALSE", "'false'", "NULL", "'no'", "2"])
    func `an endpoint that is not active is told nothing`(value: String) async throws {
        try sample.endpoint("w")
        try sample.execute("UPDATE webhooks SET is_active = \(value)")
        try sample.event()
        #expect(try await outbox.fanOut().events == 1)
        #expect(try sample.queued() == [])
    }

    @Test(arguments: [
        ("nonsense", "events_not_json"), ("{}", "events_not_an_array"), ("[1]", "events_entry_not_text"),
        (#"["usage."]"#, "events_entry_malformed"), ("", "events_not_json"),
    ])
    func `broken events give a dead letter, and the others are told`(events: String, reason: String) async throws {
        try sample.endpoint("a", events: events)
        try sample.endpoint("b")
        try sample.event()
        #expect(try await outbox.fanOut().dead.count == 1)
        #expect(try sample.queued() == ["1 → a: dead \(reason)", "1 → b: claimed"])
    }

    @Test(arguments: [
        ("", "url_empty"), ("http://example.org/", "url_not_https"), ("https://u:p@example.org/", "url_has_userinfo"),
    ])
    func `a refused url gives a dead letter`(url: String, reason: String) async throws {
        try sample.endpoint("w", url: url)
        try sample.event()
        _ = try await outbox.fanOut()
        let queued = try sample.queued()
        #expect(queued.count == 1 && queued[0].hasPrefix("1 → w: dead url_"), "\(queued), not \(reason)")
        if url.hasPrefix("http:") {
            try sample.event()
            #expect(try await outbox.fanOut(FanOutPlan(allowsHTTP: true)).claimed.count == 1)
        }
    }

    @Test(arguments: [("gone", "endpoint_gone"), ("switched_off", "endpoint_disabled")])
    func `an endpoint that is gone or switched off gets dead letters`(standing: String, reason: String) async throws {
        try sample.endpoint("w")
        try sample.execute("INSERT INTO webhook_endpoints (webhook_id, standing) VALUES ('w', ?)", [standing])
        try sample.event()
        _ = try await outbox.fanOut()
        #expect(try sample.queued() == ["1 → w: dead \(reason)"])
    }

    @Test func `a failing endpoint keeps one event to be tried with, and the others are dead letters`() async throws {
        try sample.endpoint("w")
        try sample.execute("INSERT INTO webhook_endpoints (webhook_id, standing) VALUES ('w', 'failing')")
        for _ in 0..<3 { try sample.event() }
        let done = try await outbox.fanOut()
        #expect(
            try sample.queued() == [
                "1 → w: pending", "2 → w: dead endpoint_disabled", "3 → w: dead endpoint_disabled",
            ])
        #expect(done.claimed.isEmpty && done.queued == ["w"] && done.dead == ["endpoint_disabled": 2])
    }

    @Test func `a poison event is a dead letter of nobody's with its reason, and those behind it are told`()
        async throws
    {
        try sample.endpoint("w")
        let long = "\"" + String(repeating: "x", count: FanOutPlan.longestPayload - 2) + "\""
        var expected: [String] = []
        func poison(_ reason: String, _ insert: () throws -> Int64) throws {
            expected.append("\(try insert()) → nobody: dead \(reason)")
        }
        try poison("id_has_full_stop") { try sample.event(id: "a.b") }
        try poison("id_has_line_break") { try sample.event(id: "a\r\nX: y") }
        try poison("id_empty") { try sample.event(id: "") }
        try poison("id_not_text") { try sample.event(id: Data("ab".utf8)) }
        try poison("id_has_nul") {
            try sample.execute(
                "INSERT INTO webhook_events (id, user_id, event_type, payload) VALUES ('a' || char(0) || 'b', 'u', 'x.y', '{}')"
            )
            return 5
        }
        try poison("type_has_nul") {
            try sample.execute(
                "INSERT INTO webhook_events (user_id, event_type, payload) VALUES ('u', 'x.y' || char(0), '{}')")
            return 6
        }
        try poison("user_has_nul") {
            try sample.execute(
                "INSERT INTO webhook_events (user_id, event_type, payload) VALUES ('u' || char(0) || 'v', 'x.y', '{}')")
            return 7
        }
        try poison("user_not_text") { try sample.event(of: Data("u".utf8)) }
        try poison("type_has_empty_group") { try sample.event("usage..recorded") }
        try poison("type_empty") { try sample.event("") }
        try poison("type_not_text") { try sample.event(Data("x.y".utf8)) }
        try poison("payload_not_json") { try sample.event(payload: "{") }
        try poison("payload_not_json") { try sample.event(payload: "") }
        try poison("payload_not_text") { try sample.event(payload: Data("{}".utf8)) }
        try poison("payload_not_json") {
            try sample.execute(
                "INSERT INTO webhook_events (user_id, event_type, payload) VALUES ('u', 'x.y', '{}' || char(0) || 'x')")
            return 15
        }
        try poison("payload_too_long") { try sample.event(payload: "\"x" + long.dropFirst()) }
        let last = try sample.event(payload: long)
        expected.append("\(last) → w: claimed")
        var (events, dead, rounds) = (0, 0, 0)
        // A payload of a mebibyte may use up a write's time.
        while try await outbox.look().hasEvents, rounds < 30 {
            let done = try await outbox.fanOut()
            events += done.events
            dead += done.dead.values.reduce(0, +)
            rounds += 1
        }
        #expect(try sample.queued() == expected)
        #expect(events == 17 && dead == 16)
        #expect(try await !outbox.look().hasEvents)
        #expect(
            try sample.value(
                """
                SELECT COUNT(*)
                FROM webhook_deliveries d
                JOIN webhook_events e ON e.seq = d.event_seq
                WHERE d.user_id IS NOT e.user_id
                """) == 0, "a person's dead letters are found by their name as it was written")
    }

    @Test func `an endpoint whose id is no plain text never takes another's place`() async throws {
        // The same letters: b's row would else have its events sent to a's endpoint.
        try sample.endpoint("w", of: "a")
        try sample.endpoint(Data("w".utf8), of: "b")
        try sample.endpoint(nil, of: "b")
        try sample.execute(
            "INSERT INTO webhooks (id, user_id, url, events) VALUES ('w' || char(0), 'b', 'https://example.org/', '[\"*\"]')"
        )
        try sample.event(of: "b")
        let done = try await outbox.fanOut()
        #expect(done.claimed.isEmpty && done.dead == ["endpoint_id_odd": 3])
        #expect(Set(try sample.queued()) == ["1 → nobody: dead endpoint_id_odd"])
        try sample.endpoint(7, of: "b")
        try sample.event(of: "b")
        #expect(try await outbox.fanOut().claimed.map(\.endpoint) == ["7"], "a number is a text in that column")
    }

    @Test func `what there is no room for is queued and not claimed`() async throws {
        for id in ["a", "b", "c"] { try sample.endpoint(id) }
        for _ in 0..<3 { try sample.event() }
        let done = try await outbox.fanOut(FanOutPlan(room: 5, endpointRoom: ["a": 1, "b": 0], ordinaryRoom: 2))
        #expect(done.claimed.map { "\($0.event)\($0.endpoint)" } == ["1a", "1c", "2c"])
        #expect(done.queued == ["a", "b", "c"])
        let few = Outbox(store: try sample.store(steps: .unhurried))
        for _ in 0..<2 { try sample.event() }
        #expect(try await few.fanOut(FanOutPlan(room: 4)).claimed.count == 4)
        #expect(try sample.value("SELECT COUNT(*) FROM webhook_deliveries WHERE state = 'pending'") == 6 + 2)
    }

    @Test func `an endpoint that keeps its order is queued for, never claimed at once`() async throws {
        try sample.endpoint("w")
        try sample.execute("INSERT INTO webhook_endpoints (webhook_id, is_ordered) VALUES ('w', TRUE)")
        try sample.event()
        let done = try await outbox.fanOut()
        #expect(done.claimed.isEmpty && done.queued == ["w"])
    }

    @Test
    func `one who has had the event by a test of the endpoint is not told again, nor is another's claim reported`()
        async throws
    {
        try sample.endpoint("w", of: "operator")
        let sent = try #require(
            try await outbox.test("w", payload: "{}", now: SampleDatabase.outboxNow))
        let done = try await outbox.fanOut(FanOutPlan(operators: ["operator"]))
        #expect(done.events == 1 && done.claimed.isEmpty && done.queued.isEmpty)
        #expect(try sample.queued() == ["1 → w: pending"])
        #expect(try await outbox.claim("w", at: SampleDatabase.outboxNow).deliveries.map(\.id) == [sent.delivery])
    }

    @Test func `with no time at all each write still does one thing of every kind`() async throws {
        try sample.endpoint("w")
        try sample.endpoint("x")
        for _ in 0..<6 { try sample.event() }
        let hurried = Outbox(store: try sample.store(steps: Allowance.Steps { true }))
        let first = try await hurried.fanOut(FanOutPlan(room: 1))
        #expect(first.events == 1 && !first.isComplete)
        var work = Outbox.Work()
        work.fanOut = FanOutPlan(room: 0)
        work.outcomes = first.claimed.map { DeliveryOutcome($0, .failed(), .retry(at: SampleDatabase.later(1))) }
        work.changes = [EndpointChange("w", EndpointRecord()), EndpointChange("x", EndpointRecord())]
        work.wanted = [("x", 5), ("w", 5)]
        let done = try await hurried.write(work, now: SampleDatabase.later(2))
        #expect(done.fanOut?.events == 1 && done.outcomes == 1 && done.changes == 1)
        #expect(done.claimed.count == 1 && done.claimed.first?.deliveries.count == 1)
        #expect(done.claimed.first?.next == SampleDatabase.later(2), "the other one is due as before")
        for _ in 0..<4 { try await hurried.fanOut() }
        #expect(try await !hurried.look().hasEvents)
    }

    @Test func `outcomes are not kept waiting by events that keep coming`() async throws {
        try sample.endpoint("w")
        for _ in 0..<300 { try sample.event() }
        let claimed = try await outbox.fanOut().claimed
        let asked = Mutex(0)
        // Time for three rounds.
        let hurried = Outbox(
            store: try sample.store(
                steps: Allowance.Steps {
                    asked.withLock {
                        $0 += 1
                        return $0 % 3 == 0
                    }
                }))
        var work = Outbox.Work()
        work.fanOut = FanOutPlan()
        work.outcomes = claimed.map { DeliveryOutcome($0, .delivered(), .delivered) }
        let done = try await hurried.write(work, now: SampleDatabase.outboxNow)
        #expect(done.fanOut?.events == 3 && done.outcomes == 12)
    }

    @Test func `at most so many events go in one write, and the cursor says where the next begins`() async throws {
        for _ in 0..<150 { try sample.event() }
        var counts: [Int] = []
        while true {
            let done = try await outbox.fanOut()
            counts.append(done.events)
            if done.isComplete { break }
        }
        #expect(counts == [64, 64, 22])
    }
}
