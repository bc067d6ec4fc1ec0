import GRDB
import Scheduling
import Storage
import Testing

/// What 1.0.0's nightly statement left in daily_usage_stats.
@Suite struct `Rollup adoption` {
    /// Figures as migration 002 carries them over from 1.0.0.
    private func figure(
        _ sample: SampleDatabase, _ date: String, user: String? = "u", model: String? = "alpha", requests: Int,
        cost: Double, id: String? = nil
    ) throws {
        try sample.execute(
            """
            INSERT INTO daily_usage_stats (
              id, date, user_id, model, total_requests, total_tokens, total_cost, avg_latency, success_rate, successes,
              cost_nanos, latency_sum_ms, source
            )
            VALUES (
              COALESCE(?6, ?2 || '-' || ?3 || '-' || ?1), ?1, ?2, ?3, ?4, ?4 * 15, ?5, 100, 100, ?4,
              CAST(ROUND(?5 * 1e9) AS INTEGER), ?4 * 100, 'adopted'
            )
            """, [date, user, model, requests, cost, id])
    }

    @Test func `where all rows are still there, the figures are counted anew from them`() async throws {
        let sample = try SampleDatabase()
        for _ in 0..<3 { try sample.insert(cost: 0.1) }
        try figure(sample, "2026-11-20", requests: 3, cost: 0.300_000_000_4)
        try figure(sample, "2026-11-20", user: "gone", requests: 0, cost: 9)
        try await sample.rollUp()
        #expect(try sample.total()?.requests == 3)
        #expect(try sample.total()?.cost == 300_000_000)
        #expect(try sample.total(user: "gone") == nil)
        #expect(try sample.value("SELECT COUNT(*) FROM daily_usage_stats WHERE source <> 'rollup'") == 0)
        #expect(try sample.value("SELECT COUNT(*) FROM usage_days") == 0)
        #expect(try await Verification(store: sample.store(), zone: .utc).run().isClean)
    }

    @Test func `where rows are gone the figures stand, no row is counted twice, and later ones count`() async throws {
        let sample = try SampleDatabase()
        for _ in 0..<3 { try sample.insert(cost: 0.1) }
        try sample.insert(cost: 0.1, at: "2026-11-21T10:00:00Z")
        try figure(sample, "2026-11-20", requests: 5, cost: 0.5)
        try figure(sample, "2026-11-19", requests: 7, cost: 0.7)
        try await sample.rollUp()
        #expect(try sample.requestsByDate() == ["2026-11-19": 7, "2026-11-20": 5, "2026-11-21": 1])
        #expect(try sample.total()?.cost == 500_000_000)
        #expect(try sample.value("SELECT SUM(total_requests) FROM usage_daily") == 13)

        try sample.insert(cost: 0.25)
        try sample.insert(user: "new", cost: 0.25, at: "2026-11-19T10:00:00Z")
        #expect(try sample.value("SELECT SUM(total_requests) FROM usage_daily") == 15)
        try await sample.rollUp()
        #expect(try sample.total()?.requests == 6)
        #expect(try sample.total()?.cost == 750_000_000)
        #expect(try sample.total("2026-11-19", user: "new")?.requests == 1)
        #expect(try sample.value("SELECT SUM(total_requests) FROM usage_daily") == 15)
        let report = try await Verification(store: sample.store(), zone: .utc).run()
        #expect(report.isClean)
        #expect(report.closed.map(\.state) == ["adopted", "adopted"])
        let rebuild = Rebuild(store: try sample.store(), zone: .utc)
        let day = try #require(Day("2026-11-20"))
        await expectStorageError(.rawIncomplete) { try await rebuild.mark(day...day) }
    }

    @Test func `a day that was adopted before a cut is not judged again`() async throws {
        let sample = try SampleDatabase()
        try sample.insert(cost: 0.1)
        try figure(sample, "2026-11-20", requests: 3, cost: 0.3)
        // As far as a first process came; then rows came that, had they been there, would have been enough.
        try sample.execute(
            "INSERT INTO usage_days (date, state, adopted_through, changed_at_ms) VALUES ('2026-11-20', 'adopted', 1, 0)"
        )
        for _ in 0..<2 { try sample.insert(cost: 0.1) }
        try await sample.rollUp()
        #expect(try sample.total()?.requests == 5)
        #expect(try sample.total()?.cost == 500_000_000)
    }

    @Test func `before they are judged, the views show the rows and not the figures too`() async throws {
        let sample = try SampleDatabase()
        for _ in 0..<3 { try sample.insert(cost: 0.1) }
        try figure(sample, "2026-11-20", requests: 3, cost: 0.3)
        #expect(try sample.value("SELECT SUM(total_requests) FROM usage_daily") == 3)
        try await sample.rollUp()
        #expect(try sample.value("SELECT SUM(total_requests) FROM usage_daily") == 3)
    }

    @Test func `figures without a user or model are sums of others, unless they stand alone`() async throws {
        let sample = try SampleDatabase()
        for _ in 0..<3 { try sample.insert(cost: 0.1) }
        try figure(sample, "2026-11-20", requests: 3, cost: 0.3)
        try figure(sample, "2026-11-20", user: nil, model: nil, requests: 3, cost: 0.3, id: "all-20")
        try figure(sample, "2026-11-18", user: nil, model: nil, requests: 4, cost: 0.4, id: "all-18")
        try await sample.rollUp()
        #expect(try sample.value("SELECT total_requests FROM daily_usage_stats WHERE user_id = 'u'") == 3)
        let left = try sample.rows("SELECT date, total_requests FROM daily_usage_stats WHERE user_id IS NULL")
        #expect(left.map { String.fromDatabaseValue($0[0]) } == ["2026-11-18"])
        #expect(try sample.value("SELECT SUM(total_requests) FROM usage_daily") == 7)
    }

    @Test func `adopting is done once`() async throws {
        let sample = try SampleDatabase()
        try sample.insert()
        try figure(sample, "2026-11-20", requests: 9, cost: 1)
        try await sample.rollUp()
        try figure(sample, "2026-11-15", user: "late", requests: 9, cost: 1)
        #expect(try await sample.rollUp().didNothing)
        #expect(try sample.requestsByDate() == ["2026-11-15": 9, "2026-11-20": 9])
    }

    @Test func `adopting that is cut anywhere ends the same`() async throws {
        for cut in 0..<12 {
            let sample = try SampleDatabase()
            for _ in 0..<3 { try sample.insert(cost: 0.1) }
            try figure(sample, "2026-11-20", requests: 3, cost: 0.3)
            try figure(sample, "2026-11-19", requests: 7, cost: 0.7)
            let store = try sample.store()
            let writes = Countdown(cut)
            let rollup = Rollup(store: store, zone: .utc) {
                Instant(milliseconds: 1_795_000_000_000)
            }
            _ = try await rollup.run(shouldStop: { writes.isOver() })
            try await sample.rollUp()
            #expect(try sample.requestsByDate() == ["2026-11-19": 7, "2026-11-20": 3])
        }
    }
}
