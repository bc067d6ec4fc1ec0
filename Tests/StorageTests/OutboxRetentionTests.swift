import Foundation
import GRDB
import Scheduling
import Storage
import Testing

/// How long events, deliveries and attempts stay.
@Suite struct OutboxRetentionTests {
    private let sample: SampleDatabase
    private let outbox: Outbox
    private let old = Instant(iso8601: "2026-11-10T10:00:00Z") ?? Instant(milliseconds: 0)
    private let now = Instant(iso8601: "2026-11-21T12:00:00Z") ?? Instant(milliseconds: 0)

    init() throws {
        sample = try SampleDatabase()
        outbox = Outbox(store: try sample.store(steps: .unhurried))
        // What the clock is held against.
        try sample.insert(at: "2026-11-21 10:00:00")
        try sample.endpoint("w")
    }

    private func run(_ tables: [RetentionTable]) async throws {
        let period = RetentionPeriod.limited(.seconds(5 * 86_400))
        let policies = RetentionPolicies(
            periods: Dictionary(tables.map { ($0, period) }) { $1 }, settle: .seconds(86_400), largestShare: 1)
        let outcome = try await RetentionRun(store: try sample.store(), zone: .utc, term: nil, policies: policies).run(
            run: UUID().uuidString, now: now, shouldStop: { false }, progress: {})
        #expect(outcome.tables.allSatisfy { $0.failure == nil })
    }

    /// Events that are old, and what came of them.
    private func event(of user: String = "u") throws {
        try sample.execute(
            "INSERT INTO webhook_events (user_id, event_type, payload, created_at) VALUES (?, 'x.y', '{}', ?)",
            [user, old.milliseconds])
    }

    /// Of webhook_events without what retention itself tells of, webhook_deliveries and webhook_attempts.
    private func counts() throws -> [Int] {
        try ["webhook_events WHERE event_type = 'x.y'", "webhook_deliveries", "webhook_attempts"].map { table in
            try sample.value("SELECT COUNT(*) FROM \(table)") ?? 0
        }
    }

    static let all: [RetentionTable] = [.webhookAttempts, .webhookDeliveries, .webhookEvents]

    @Test func `what is settled goes when it is old, the event after its deliveries`() async throws {
        try event()
        let delivery = try #require(try await outbox.fanOut(at: old).claimed.first)
        _ = try await outbox.settle([DeliveryOutcome(delivery, .delivered(at: old), .delivered)], at: old)
        #expect(try counts() == [1, 1, 1])
        try await run([.webhookEvents])
        #expect(try counts() == [1, 1, 1], "it still has a delivery")
        try await run([.webhookAttempts])
        #expect(try counts() == [1, 1, 0])
        try await run(Self.all)
        #expect(try counts() == [0, 0, 0])
    }

    @Test func `an event stays until it is fanned out, however old it is`() async throws {
        try event()
        try await run(Self.all)
        #expect(try counts() == [1, 0, 0])
        try sample.execute("DELETE FROM webhooks")
        try await outbox.fanOut(at: old)
        try await run(Self.all)
        #expect(try counts() == [0, 0, 0], "nobody had asked for it")
    }

    @Test func `what is queued or claimed stays with its event`() async throws {
        try event()
        try event()
        let claimed = try await outbox.fanOut(at: old).claimed
        _ = try await outbox.settle([DeliveryOutcome(claimed[0], .failed(at: old), .retry(at: old))], at: old)
        try await run(Self.all)
        #expect(try counts() == [2, 2, 0], "its attempt is old")
        _ = try await outbox.settle([DeliveryOutcome(claimed[1], .failed(at: now), .dead(reason: "x"))], at: now)
        try await run(Self.all)
        #expect(try counts() == [2, 2, 1], "a dead letter is as old as its end")
    }

    @Test func `a hold on a user keeps all three, and of nobody else`() async throws {
        try sample.endpoint("v", of: "v")
        try event()
        try event(of: "v")
        let claimed = try await outbox.fanOut(at: old).claimed
        _ = try await outbox.settle(
            claimed.map { DeliveryOutcome($0, .delivered(at: old), .delivered) }, at: old)
        let holds = RetentionHolds(store: try sample.store())
        let hold = try await holds.add(RetentionHolds.Scope(user: "u"), reason: "a case", endsAt: nil, now: now)
        try await run(Self.all)
        #expect(try counts() == [1, 1, 1])
        for table in [
            "webhook_events WHERE event_type = 'x.y'", "webhook_deliveries WHERE 1", "webhook_attempts WHERE 1",
        ] {
            #expect(try sample.value("SELECT COUNT(*) FROM \(table) AND user_id = 'u'") == 1)
        }
        _ = try await holds.release(hold.id, now: now)
        try await run(Self.all)
        #expect(try counts() == [0, 0, 0])
    }
}
