import Foundation
import GRDB
import Scheduling
import Storage
import Synchronization
import Testing

/// When a day may be sealed, and what keeps it open.
@Suite struct DaySealingTests {
    private let sample: SampleDatabase

    init() throws {
        sample = try SampleDatabase()
    }

    private static func at(_ text: String) -> Instant { Instant(iso8601: text) ?? Instant(milliseconds: 0) }

    @Test func `a tail of newer rows keeps no day open, one of the day's own does`() async throws {
        let zone = Zone.utc
        try sample.insert(at: "2026-11-10 10:00:00")
        try await sample.rollUp()
        for _ in 0..<50 { try sample.insert(at: "2026-11-20T10:00:00Z") }
        let sealing = DaySealing(store: try sample.store(), zone: zone)
        let day = try #require(Day("2026-11-10"))
        try sample.insert(at: "2026-11-10T11:00:00+00:00")
        #expect(try await sealing.seal(day, now: Self.at("2026-11-21")) == .rowsNotCounted)
        try sample.execute("DELETE FROM usage_logs WHERE created_at LIKE '%+00:00'")
        #expect(try await sealing.seal(day, now: Self.at("2026-11-21")) == nil)
    }

    @Test(arguments: [0, 3, 2_000_000])
    func `a day is judged the same in one reading and in many`(mostSliced: Int) async throws {
        var oracle = Oracle()
        try sample.fill(200, seed: 9, into: &oracle)
        try await sample.rollUp()
        try sample.execute("UPDATE daily_usage_stats SET total_tokens = total_tokens + 1 WHERE date = '2026-11-12'")
        var sealing = DaySealing(store: try sample.store(), zone: .utc)
        sealing.mostSliced = mostSliced
        let keys = try #require(
            try sample.value("SELECT CAST(COUNT(*) AS TEXT) FROM daily_usage_stats WHERE date = '2026-11-12'")
                .flatMap { Int($0) })
        for day in 10...13 {
            let refusal = try await sealing.seal(
                try #require(Day("2026-11-\(day)")), now: Self.at("2026-11-21T12:00:00Z"))
            #expect(refusal == (day == 12 ? .drift(keys: keys) : nil))
        }
    }

    @Test(arguments: [true, false])
    func `a correction between two readings of a day keeps that day open until it is counted, and no other`(
        isOfTheDay: Bool
    ) async throws {
        // More than one reading takes.
        for _ in 0..<12 {
            try sample.execute(
                """
                WITH RECURSIVE counter (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < 1000)
                INSERT INTO usage_logs (user_id, request_id, model, input_tokens, created_at)
                SELECT 'u', lower(hex(randomblob(8))), 'm', n, '2026-11-10 10:00:00' FROM counter
                """)
        }
        let other = try sample.insert(at: "2026-11-20 10:00:00")
        try await sample.rollUp()
        let day = try #require(Day("2026-11-10"))
        let looks = Mutex(0)
        let sample = sample
        let store = try sample.store(prepare: { db in
            db.trace { event in
                guard "\(event)".contains("WHERE id BETWEEN") else { return }
                let count = looks.withLock { count in
                    count += 1
                    return count
                }
                // Of a row that was read by then.
                if count == 150 {
                    try? sample.execute(
                        "UPDATE usage_logs SET input_tokens = 7 WHERE id = ?", [isOfTheDay ? 1 : other])
                }
            }
        })
        let sealing = DaySealing(store: store, zone: .utc)
        #expect(try await sealing.seal(day, now: Self.at("2026-11-21")) == (isOfTheDay ? .correctionsWaiting : nil))
        #expect(looks.withLock { $0 } > 150)
        #expect(try sample.value("SELECT COUNT(*) FROM usage_changes") == 2)
        guard isOfTheDay else { return }
        #expect(try await sealing.seal(day, now: Self.at("2026-11-21")) == .correctionsWaiting)
        try await sample.rollUp()
        #expect(try await sealing.seal(day, now: Self.at("2026-11-21")) == nil)
    }
}
