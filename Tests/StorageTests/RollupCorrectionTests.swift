import Foundation
import GRDB
import Scheduling
import Storage
import Testing

/// What happens to counted rows afterwards.
@Suite struct `Rollup corrections` {
    struct Correction: Sendable, CustomTestStringConvertible {
        let assignments: String
        let apply: @Sendable (inout Oracle.Row) -> Void
        var testDescription: String { assignments }
    }

    static let corrections = [
        Correction(assignments: "user_id = 'other'") { $0.user = "other" },
        Correction(assignments: "model = 'beta'") { $0.model = "beta" },
        Correction(assignments: "input_tokens = 999") { $0.input = 999 },
        Correction(assignments: "output_tokens = 999") { $0.output = 999 },
        Correction(assignments: "total_tokens = 9999") { $0.total = 9_999 },
        Correction(assignments: "cost = 0.25") { $0.costNanos = 250_000_000 },
        Correction(assignments: "cost = 0") { $0.costNanos = 0 },
        Correction(assignments: "latency = 7") { $0.latency = 7 },
        Correction(assignments: "latency = 77777") { $0.latency = 77_777 },
        Correction(assignments: "status = 'error'") { $0.success = false },
        Correction(assignments: "created_at = '2026-11-03 01:02:03'") { $0.date = "2026-11-03" },
        Correction(assignments: "created_at = 1795392000") { $0.date = "2026-11-23" },
        Correction(assignments: "created_at = 'never'") { $0.date = nil },
        Correction(assignments: "input_tokens = 'many'") { $0.isOdd = true },
        Correction(assignments: "user_id = 'x', model = 'gamma', cost = 0, latency = 1, created_at = '2026-11-01'") {
            $0 = Oracle.Row(
                user: "x", model: "gamma", input: $0.input, output: $0.output, total: $0.total, costNanos: 0,
                latency: 1,
                success: $0.success, date: "2026-11-01")
        },
    ]

    private func prepared() async throws -> (SampleDatabase, Oracle, Int64) {
        let sample = try SampleDatabase()
        var oracle = Oracle()
        try sample.fill(40, seed: 41, into: &oracle)
        let id = try sample.insert(
            Oracle.Row(
                user: "u", model: "alpha", input: 10, output: 5, total: 0, costNanos: 500_000_000, latency: 50_000,
                success: true, date: "2026-11-20"),
            at: "2026-11-20T10:00:00Z", into: &oracle)
        try await sample.rollUp()
        try #require(try sample.totals() == oracle.totals())
        return (sample, oracle, id)
    }

    private func expectExact(_ sample: SampleDatabase, _ oracle: Oracle) async throws {
        #expect(try sample.totals() == oracle.totals())
        #expect(Set(try sample.rejects().keys) == oracle.rejected)
        var histogram: [String: Int] = [:]
        for (place, latencies) in oracle.latencies() {
            for (latency, count) in latencies {
                histogram["\(place) \(LatencyBuckets.bucket(of: latency))", default: 0] += count
            }
        }
        let stored = try sample.rows(

            """
            SELECT date || ' ' || model || ' ' || b.key, b.value
            FROM usage_latency_histograms, json_each(buckets) b
            """)
        #expect(
            Dictionary(
                uniqueKeysWithValues: stored.map { (String.fromDatabaseValue($0[0]), Int.fromDatabaseValue($0[1])) })
                == Dictionary(uniqueKeysWithValues: histogram.map { (Optional($0.key), Optional($0.value)) }))
        let report = try await Verification(store: sample.store(), zone: .utc).run()
        #expect(report.isClean, "\(report.drifts)")
        #expect(try sample.value("SELECT COUNT(*) FROM usage_changes") == 0)
    }

    @Test(arguments: corrections)
    func `a correction of any counted column moves the totals, and moving it back restores them`(
        correction: Correction
    ) async throws {
        let (sample, original, id) = try await prepared()
        var oracle = original
        try sample.execute("UPDATE usage_logs SET \(correction.assignments) WHERE id = ?", [id])
        if var row = oracle.rows[id] {
            correction.apply(&row)
            oracle.rows[id] = row
        }
        #expect(try await sample.rollUp().corrections > 0)
        try await expectExact(sample, oracle)
        try sample.execute(
            """
            UPDATE usage_logs
            SET user_id = 'u', model = 'alpha', input_tokens = 10, output_tokens = 5, total_tokens = 0, cost = 0.5,
                latency = 50000, status = 'success', created_at = '2026-11-20T10:00:00Z'
            WHERE id = ?
            """, [id])
        try await sample.rollUp()
        try await expectExact(sample, original)
    }

    @Test func `a correction of every row at once is counted in bites`() async throws {
        var (sample, oracle, _) = try await prepared()
        try sample.execute("UPDATE usage_logs SET cost = 1, latency = latency / 2, status = 'error'")
        for id in oracle.rows.keys {
            oracle.rows[id]?.costNanos = 1_000_000_000
            oracle.rows[id]?.latency /= 2
            oracle.rows[id]?.success = false
        }
        let rollup = Rollup(store: try sample.store(steps: Allowance.Steps { true }), zone: .utc) {
            Instant(milliseconds: 1_795_000_000_000)
        }
        _ = try await rollup.run()
        try await expectExact(sample, oracle)
    }

    @Test func `removed rows are taken off, and the last one takes its total along`() async throws {
        var (sample, oracle, id) = try await prepared()
        try sample.execute("DELETE FROM usage_logs WHERE id = ?", [id])
        oracle.rows[id] = nil
        try await sample.rollUp()
        try await expectExact(sample, oracle)
        #expect(try sample.total() == nil)
        try sample.execute("DELETE FROM usage_logs")
        oracle.rows = [:]
        try await sample.rollUp()
        try await expectExact(sample, oracle)
        #expect(try sample.value("SELECT COUNT(*) FROM daily_usage_stats") == 0)
    }

    @Test func `a row corrected many times before it is looked at counts as it last stood`() async throws {
        var (sample, oracle, id) = try await prepared()
        for cost in 1...200 { try sample.execute("UPDATE usage_logs SET cost = ? WHERE id = ?", [Double(cost), id]) }
        oracle.rows[id]?.costNanos = 200_000_000_000
        try await sample.rollUp()
        try await expectExact(sample, oracle)
    }

    @Test func `columns that do not count leave no trace in the log`() async throws {
        let (sample, _, id) = try await prepared()
        try sample.execute(
            """
            UPDATE usage_logs
            SET request_id = 'r', error_message = 'e', ip_address = '::1', user_agent = 'a', updated_at = '2026-11-20'
            WHERE id = ?
            """, [id])
        #expect(try sample.value("SELECT COUNT(*) FROM usage_changes") == 0)
    }

    @Test func `rows that are not counted yet leave no trace in the log`() async throws {
        let (sample, _, _) = try await prepared()
        let id = try sample.insert()
        try sample.execute("UPDATE usage_logs SET cost = 9 WHERE id = ?", [id])
        try sample.execute("DELETE FROM usage_logs WHERE id = ?", [id])
        #expect(try sample.value("SELECT COUNT(*) FROM usage_changes") == 0)
    }

    @Test func `a purged day takes corrections of rows that were moved there, and its sums stay exact`() async throws {
        let (sample, _, id) = try await prepared()
        let before = try #require(try sample.total("2026-11-12", user: "user 0", model: "alpha")?.requests ?? 0)
        let day = try #require(Day("2026-11-12"))
        let sealing = DaySealing(store: try sample.store(), zone: .utc)
        #expect(try await sealing.seal(day, now: Instant(milliseconds: 0)) == nil)
        _ = try await DayPurge(store: try sample.store(), zone: .utc).purge(
            day, DayPurge.Terms(now: Instant(milliseconds: 0), run: "1"))
        try sample.execute(
            "UPDATE usage_logs SET created_at = '2026-11-12 10:00:00', user_id = 'user 0' WHERE id = ?", [id])
        try await sample.rollUp()
        #expect(try sample.total("2026-11-12", user: "user 0", model: "alpha")?.requests == before + 1)
        try sample.execute("DELETE FROM usage_logs WHERE id = ?", [id])
        try await sample.rollUp()
        #expect(try sample.total("2026-11-12", user: "user 0", model: "alpha")?.requests ?? 0 == before)
    }
}
