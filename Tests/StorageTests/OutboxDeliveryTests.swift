import Foundation
import GRDB
import Scheduling
import Testing
import Webhooks

@testable import Storage

/// Claims, what comes of attempts, and what is due when.
@Suite struct OutboxDeliveryTests {
    private let sample: SampleDatabase
    private let outbox: Outbox
    private let now = SampleDatabase.outboxNow

    init() throws {
        sample = try SampleDatabase()
        outbox = Outbox(store: try sample.store(steps: .unhurried))
        try sample.endpoint("w")
    }

    private func claimed(_ count: Int = 1) async throws -> [ClaimedDelivery] {
        for _ in 0..<count { try sample.event() }
        var claimed: [ClaimedDelivery] = []
        while true {
            let done = try await outbox.fanOut()
            claimed += done.claimed
            if done.isComplete { return claimed }
        }
    }

    private func state(of id: Int64 = 1) throws -> [DatabaseValue] {
        try #require(
            try sample.rows(
                "SELECT state, attempt, retry, next_attempt_at, claim, reason, settled_at FROM webhook_deliveries WHERE id = \(id)"
            ).first)
    }

    @Test func `a delivered one is settled, its attempt noted, and the endpoint's last delivery too`() async throws {
        try sample.execute(
            "UPDATE webhooks SET updated_at = '2020-01-01 00:00:00', last_delivery_at = '2020-01-01 00:00:00'")
        let delivery = try #require(try await claimed().first)
        let done = try await outbox.settle(
            [DeliveryOutcome(delivery, .delivered(), .delivered)], at: SampleDatabase.later(9))
        #expect(done.outcomes == 1 && done.lost == 0)
        let end = SampleDatabase.later(9).milliseconds.databaseValue
        #expect(
            try state() == ["delivered".databaseValue, 1.databaseValue, 0.databaseValue, .null, .null, .null, end])
        #expect(
            try sample.rows(
                "SELECT delivery_id, user_id, attempt, started_at, duration_ms, status, reason, address FROM webhook_attempts"
            ) == [
                [
                    delivery.id.databaseValue, "u".databaseValue, 1.databaseValue, now.milliseconds.databaseValue,
                    7.databaseValue, 204.databaseValue, .null, "192.0.2.1".databaseValue,
                ]
            ])
        #expect(try sample.value("SELECT last_delivery_at FROM webhooks") == "2026-11-21 12:00:00")
        #expect(try sample.value("SELECT updated_at FROM webhooks") == "2020-01-01 00:00:00")
    }

    @Test func `a failed one comes again when it is due, with its count, and dies with its reason`() async throws {
        let delivery = try #require(try await claimed().first)
        let due = SampleDatabase.later(5_000)
        _ = try await outbox.settle([DeliveryOutcome(delivery, .failed(), .retry(at: due))])
        #expect(
            try state() == [
                "pending".databaseValue, 1.databaseValue, 1.databaseValue, due.milliseconds.databaseValue, .null,
                "http_status".databaseValue, .null,
            ])
        let early = try await outbox.claim("w", at: SampleDatabase.later(4_999))
        #expect(early.deliveries.isEmpty && early.next == due)
        let again = try await outbox.claim("w", at: due)
        let second = try #require(again.deliveries.first)
        #expect(again.next == nil && second.attempt == 1 && second.retry == 1 && second.claim != delivery.claim)
        _ = try await outbox.settle([DeliveryOutcome(second, .failed(), .dead(reason: "retries_spent"))])
        #expect(try sample.queued() == ["1 → w: dead retries_spent"])
        #expect(
            try sample.rows("SELECT attempt, reason, error, head, body FROM webhook_attempts ORDER BY id").map { $0[0] }
                == [1.databaseValue, 2.databaseValue])
        #expect(try sample.value("SELECT body = x'6e6f' FROM webhook_attempts LIMIT 1") == true)
    }

    @Test func `one that is kept stays claimed under the same claim, and counts its attempts`() async throws {
        let delivery = try #require(try await claimed().first)
        for number in 1...3 {
            let done = try await outbox.settle([DeliveryOutcome(delivery, .failed(), .keep)])
            #expect(done.lost == 0)
            #expect(try state()[0...2] == ["claimed".databaseValue, number.databaseValue, number.databaseValue])
            #expect(try sample.value("SELECT claim FROM webhook_deliveries") == delivery.claim)
        }
        _ = try await outbox.settle([DeliveryOutcome(delivery, .delivered(), .delivered)])
        #expect(try sample.value("SELECT group_concat(attempt) FROM webhook_attempts") == "1,2,3,4")
    }

    @Test func `one that is given back without an attempt still says what the last attempt failed for`() async throws {
        let delivery = try #require(try await claimed().first)
        _ = try await outbox.settle([DeliveryOutcome(delivery, .failed(), .retry(at: now))])
        let again = try #require(try await outbox.claim("w", at: now).deliveries.first)
        _ = try await outbox.settle([DeliveryOutcome(again, nil, .retry(at: SampleDatabase.later(9)))])
        #expect(try state()[1...2] == [1.databaseValue, 1.databaseValue])
        #expect(try sample.value("SELECT reason FROM webhook_deliveries") == "http_status")
        #expect(try sample.value("SELECT COUNT(*) FROM webhook_attempts") == 1)
    }

    @Test(arguments: [
        DeliveryOutcome.Settlement.delivered, .retry(at: SampleDatabase.outboxNow), .keep, .dead(reason: "x"),
    ])
    func `a late worker changes nothing of what another has claimed`(settlement: DeliveryOutcome.Settlement)
        async throws
    {
        let late = try #require(try await claimed().first)
        _ = try await Outbox(store: try sample.store()).open()
        let other = try #require(try await outbox.claim("w", at: SampleDatabase.later(86_400_000)).deliveries.first)
        #expect(other.id == late.id && other.claim != late.claim)
        func all() throws -> [[DatabaseValue]] {
            try sample.rows(
                "SELECT * FROM webhook_deliveries LEFT JOIN webhook_attempts ON TRUE LEFT JOIN webhooks ON TRUE")
        }
        let before = try all()
        let done = try await outbox.settle([DeliveryOutcome(late, .delivered(), settlement)])
        #expect(done.outcomes == 1 && done.lost == 1)
        #expect(try all() == before)
        #expect(try await outbox.settle([DeliveryOutcome(other, .delivered(), .delivered)]).lost == 0)
        // Settled, so neither claim means anything.
        #expect(try await outbox.settle([DeliveryOutcome(other, .failed(), settlement)]).lost == 1)
        #expect(try sample.queued() == ["1 → w: delivered"])
    }

    @Test func `claims of a process that is gone are freed as it opens, whatever their number`() async throws {
        let first = try await claimed(1_202)
        #expect(first.count == 1_202)
        _ = try await outbox.settle([
            DeliveryOutcome(first[0], .delivered(), .delivered),
            DeliveryOutcome(first[1], .failed(), .retry(at: SampleDatabase.later(5))),
        ])
        let opening = try await outbox.open()
        #expect(opening.freed == 1_200)
        #expect(opening.due.map(\.endpoint) == ["w"] && opening.due.first?.at == now)
        #expect(try sample.value("SELECT COUNT(*) FROM webhook_deliveries WHERE state = 'claimed'") == 0)
        let version: Int64? = try sample.value("PRAGMA data_version")
        #expect(try await outbox.open().freed == 0)
        #expect(try sample.value("PRAGMA data_version") == version, "an idle start writes nothing")
    }

    @Test func `whoever has lost the lease writes nothing`() async throws {
        let store = try sample.store()
        let old = try await Term.take(store, holder: "old", now: now)
        let fenced = Outbox(store: store, term: old)
        try sample.event()
        let delivery = try #require(try await fenced.fanOut().claimed.first)
        _ = try await Term.take(store, holder: "new", now: now)
        try sample.event()
        await expectStorageError(.leaseLost) {
            try await fenced.settle([DeliveryOutcome(delivery, .delivered(), .delivered)])
        }
        await expectStorageError(.leaseLost) { try await fenced.fanOut() }
        await expectStorageError(.leaseLost) { try await fenced.open() }
        #expect(try sample.queued() == ["1 → w: claimed"])
        #expect(try sample.value("SELECT COUNT(*) FROM webhook_attempts") == 0)
        #expect(try sample.value("SELECT last_delivery_at IS NULL FROM webhooks") == true)
    }

    @Test func `what is due is claimed in the order in which it came due, as many as are wanted`() async throws {
        let all = try await claimed(4)
        let times: [Int64] = [40, 10, 30, 20]
        _ = try await outbox.settle(
            zip(all, times).map { DeliveryOutcome($0, .failed(), .retry(at: SampleDatabase.later($1))) })
        let first = try await outbox.claim("w", 2, at: SampleDatabase.later(35))
        #expect(first.deliveries.map(\.id) == [all[1].id, all[3].id] && first.next == SampleDatabase.later(30))
        let second = try await outbox.claim("w", 2, at: SampleDatabase.later(35))
        #expect(second.deliveries.map(\.id) == [all[2].id] && second.next == SampleDatabase.later(40))
        #expect(try await outbox.claim("w", 0, at: SampleDatabase.later(99)).deliveries.isEmpty)
        #expect(try await outbox.claim("unknown", at: SampleDatabase.later(99)).next == nil)
    }

    @Test func `an endpoint that keeps its order gets the first one first, whatever the times say`() async throws {
        try sample.execute("INSERT INTO webhook_endpoints (webhook_id, is_ordered) VALUES ('w', TRUE)")
        for number: Int64 in [0, -5_000, 7] {
            // As when the clock goes back, and on again.
            try sample.event()
            try await outbox.fanOut(at: SampleDatabase.later(number))
        }
        let head = try await outbox.claim("w", at: SampleDatabase.later(9))
        let delivery = try #require(head.deliveries.first)
        #expect(head.deliveries.map(\.event) == [1])
        _ = try await outbox.settle([DeliveryOutcome(delivery, .failed(), .retry(at: SampleDatabase.later(50)))])
        let waiting = try await outbox.claim("w", at: SampleDatabase.later(49))
        #expect(waiting.deliveries.isEmpty && waiting.next == SampleDatabase.later(50), "those behind it wait too")
        var order: [Int64] = []
        while let next = try await outbox.claim("w", at: SampleDatabase.later(50)).deliveries.first {
            order.append(next.event)
            _ = try await outbox.settle([DeliveryOutcome(next, .delivered(), .delivered)])
        }
        #expect(order == [1, 2, 3])
    }

    @Test func `what is to be sent is read as it stands, and what is gone is missing`() async throws {
        let all = try await claimed(2)
        try sample.execute("DELETE FROM webhook_events WHERE seq = ?", [all[1].event])
        let load = try await outbox.load(all)
        let message = try #require(load.messages[all[0].id])
        #expect(message.type == "usage.recorded" && message.payload == #"{"n":1}"# && message.user == "u")
        #expect(load.messages[all[1].id] == nil)
        #expect(load.endpoints["w"]?.url == "https://example.org/hook" && load.endpoints["w"]?.isActive == true)
        #expect(load.endpoints["w"]?.record == nil)
        try sample.execute("DELETE FROM webhooks")
        #expect(try await outbox.load(all).endpoints.isEmpty)
    }
}
