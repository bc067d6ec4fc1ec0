import Foundation
import GRDB
import Scheduling
import Storage
import Testing

/// What one row adds to its day.
@Suite struct `Rollup rules` {
    @Test(arguments: [(10, 5, 0, 15), (10, 5, 14, 15), (10, 5, 15, 15), (10, 5, 40, 40), (0, 0, 7, 7), (0, 0, 0, 0)])
    func `a row's tokens are the larger of its total and input and output together`(
        input: Int, output: Int, total: Int, tokens: Int64
    ) async throws {
        let sample = try SampleDatabase()
        try sample.insert(input: input, output: output, total: total)
        try await sample.rollUp()
        let stored = try #require(try sample.total())
        #expect(stored.tokens == tokens)
        #expect(stored.input == input)
        #expect(stored.output == output)
    }

    @Test(arguments: [
        ("success", true), ("error", false), ("timeout", false), ("Success", false), ("success ", false), ("", false),
        ("cancelled", false),
    ])
    func `a request succeeded when its status is 'success', and failed otherwise`(
        status: String, isSuccess: Bool
    ) async throws {
        let sample = try SampleDatabase()
        try sample.insert(status: status)
        try sample.insert(status: "success")
        try await sample.rollUp()
        #expect(try sample.total()?.requests == 2)
        #expect(try sample.total()?.failures == (isSuccess ? 0 : 1))
        #expect(try sample.value("SELECT success_rate FROM daily_usage_stats") == (isSuccess ? 100.0 : 50.0))
        #expect(try sample.value("SELECT successes FROM daily_usage_stats") == (isSuccess ? 2 : 1))
    }

    @Test func `recorded costs add up to the last nano-dollar, where doubles do not`() async throws {
        let sample = try SampleDatabase()
        for _ in 0..<1_000 { try sample.insert(cost: 0.1) }
        try sample.insert(cost: 0.000_000_001)
        try await sample.rollUp()
        let total = try #require(try sample.total())
        #expect(total.cost == 100_000_000_001)
        #expect(total.estimated == 0)
        #expect(total.unpricedRequests == 0)
        #expect(try sample.value("SELECT total_cost FROM daily_usage_stats") == 100.000_000_001)
    }

    @Test func `a recorded cost below half a nano-dollar is recorded, not estimated`() async throws {
        let sample = try SampleDatabase()
        try sample.insert(cost: 1e-12)
        try await sample.rollUp()
        #expect(try sample.total()?.cost == 0)
        #expect(try sample.total()?.unpricedTokens == 0)
    }

    @Test func `latencies leave their sum, their average, their maximum and their buckets`() async throws {
        let sample = try SampleDatabase()
        for latency in [0, 3, 100, 101, 1_000_000_000] { try sample.insert(latency: latency) }
        try await sample.rollUp()
        #expect(try sample.total()?.latencySum == 1_000_000_204)
        #expect(try sample.total()?.latencyMax == 1_000_000_000)
        #expect(try sample.value("SELECT avg_latency FROM daily_usage_stats") == 200_000_040.8)
        let buckets = try sample.rows(
            """
            SELECT CAST(b.key AS INTEGER), b.value
            FROM usage_latency_histograms, json_each(buckets) b
            ORDER BY 1
            """)
        let expected = [0, 3, 100, 1_000_000_000].map { LatencyBuckets.bucket(of: $0) }
        #expect(buckets.map { Int.fromDatabaseValue($0[0]) } == expected)
        #expect(buckets.map { Int.fromDatabaseValue($0[1]) } == [1, 1, 2, 1])
    }

    @Test func `a greatest latency that an erasure has given away is taken back from whoever has it`() async throws {
        let sample = try SampleDatabase()
        let id = try sample.insert(user: "ann", model: "m", latency: 225, at: "2026-11-20 10:00:00")
        let rollup = try sample.rollup()
        _ = try await rollup.run()
        // Logged, and not counted yet, when the erasure merges the totals; then it comes to the row.
        try sample.execute("UPDATE usage_logs SET latency = 50 WHERE id = ?", [id])
        try sample.execute("UPDATE daily_usage_stats SET user_id = 'erased-1', id = 'erased-1-m-2026-11-20'")
        try sample.execute("UPDATE usage_logs SET user_id = 'erased-1' WHERE id = ?", [id])
        _ = try await rollup.run()
        let totals = try sample.rows("SELECT user_id, total_requests, latency_max_ms FROM daily_usage_stats")
        #expect(totals == [["erased-1".databaseValue, 1.databaseValue, 50.databaseValue]])
    }

    @Test func `keys tell texts apart by their bytes`() async throws {
        let sample = try SampleDatabase()
        let users = [
            "u", "U", "u ", "", "é", "e\u{301}", "用户", String(repeating: "k", count: 1_024), "a'b\"c;--", "\n",
        ]
        for (index, user) in users.enumerated() { try sample.insert(user: user, latency: 100 + index) }
        try await sample.rollUp()
        func isExact() async throws -> Bool {
            let rows = try sample.rows("SELECT user_id FROM daily_usage_stats WHERE latency_max_ms = latency_sum_ms")
            let bytes = Set(rows.compactMap { String.fromDatabaseValue($0[0]).map { Array($0.utf8) } })
            return bytes == Set(users.map { Array($0.utf8) })
        }
        #expect(try await isExact())
        // Also where a day is derived again.
        #expect(try await Verification(store: sample.store(), zone: .utc).run().isClean)
        try sample.execute("UPDATE daily_usage_stats SET latency_max_ms = 7")
        let report = try await Verification(store: sample.store(), zone: .utc).run()
        #expect(report.drifts.first?.keys.count == users.count)
        let day = try #require(Day("2026-11-20"))
        _ = try await Rebuild(store: sample.store(), zone: .utc).mark(day...day)
        try await sample.rollUp()
        #expect(try await isExact())
    }

    @Test(arguments: [
        "DELETE FROM sqlite_sequence WHERE name = 'usage_logs'",
        "UPDATE sqlite_sequence SET seq = 0 WHERE name = 'usage_logs'",
    ])
    func `rows count whose ids began anew below what is counted`(sql: String) async throws {
        let sample = try SampleDatabase()
        for _ in 0..<5 { try sample.insert() }
        try await sample.rollUp()
        // The highest rows are gone by our own purge, which is no correction.
        try sample.execute("UPDATE rollup_state SET purging = 1")
        try sample.execute("DELETE FROM usage_logs WHERE id > 2")
        try sample.execute("UPDATE rollup_state SET purging = 0; DELETE FROM daily_usage_stats")
        try sample.execute(sql)
        try sample.insert(cost: 2)
        #expect(try sample.value("SELECT MAX(id) FROM usage_logs") == 3)
        let outcome = try await sample.rollUp()
        #expect(outcome.idsBeganAnew)
        #expect(try sample.total()?.requests == 3)
        #expect(try await Verification(store: sample.store(), zone: .utc).run().isClean)
        #expect(try sample.insert() == 6)
        #expect(try await !sample.rollUp().idsBeganAnew)
        #expect(try sample.total()?.requests == 4)
        #expect(try await sample.rollUp().didNothing)
    }

    @Test(arguments: [
        "DROP TRIGGER usage_logs_log_update; DROP TRIGGER usage_logs_log_delete",
        """
        CREATE TABLE usage_logs_next (
          id INTEGER PRIMARY KEY AUTOINCREMENT, user_id TEXT NOT NULL, request_id TEXT UNIQUE, model TEXT NOT NULL, input_tokens INTEGER,
          output_tokens INTEGER, total_tokens INTEGER, cost REAL, latency INTEGER, status TEXT, error_message TEXT, ip_address TEXT,
          user_agent TEXT, created_at TIMESTAMP, updated_at TIMESTAMP
        );
        INSERT INTO usage_logs_next SELECT * FROM usage_logs;
        DROP TABLE usage_logs;
        PRAGMA legacy_alter_table = ON;
        ALTER TABLE usage_logs_next RENAME TO usage_logs;
        """,
    ])
    func `the triggers that log corrections come back, and what they missed is found`(sql: String) async throws {
        let sample = try SampleDatabase()
        for _ in 0..<3 { try sample.insert() }
        try await sample.rollUp()
        try sample.execute(sql)
        try sample.execute("UPDATE usage_logs SET cost = 2 WHERE id = 1")
        try sample.execute("DELETE FROM usage_logs WHERE id = 2")
        try sample.insert()
        let outcome = try await sample.rollUp()
        #expect(outcome.triggersWereGone)
        #expect(try sample.total()?.requests == 3 && sample.total()?.cost == 3_000_000_000)
        #expect(try sample.value("SELECT COUNT(*) FROM usage_changes") == 0)
        try sample.execute("UPDATE usage_logs SET cost = 4 WHERE id = 1")
        #expect(try sample.value("SELECT COUNT(*) FROM usage_changes") == 2)
        let next = try await sample.rollUp()
        #expect(next.corrections == 2 && !next.triggersWereGone)
        #expect(try sample.total()?.cost == 5_000_000_000)
        #expect(try await Verification(store: sample.store(), zone: .utc).run().isClean)
    }

    @Test func `two keys with one documented id keep a row each, and the first has the id`() async throws {
        let sample = try SampleDatabase()
        try sample.insert(user: "a-b", model: "c")
        try await sample.rollUp()
        try sample.insert(user: "a", model: "b-c", cost: 2)
        try sample.insert(user: "a", model: "b-c", cost: 3)
        try await sample.rollUp()
        try sample.insert(user: "a", model: "b-c", cost: 4)
        try sample.insert(user: "a-b", model: "c")
        try await sample.rollUp()
        let first: String? = try sample.value("SELECT id FROM daily_usage_stats WHERE user_id = 'a-b'")
        #expect(first == "a-b-c-2026-11-20")
        #expect(try sample.value("SELECT id FROM daily_usage_stats WHERE user_id = 'a'") != first)
        #expect(try sample.total(user: "a-b", model: "c")?.cost == 1_000_000_000)
        #expect(try sample.total(user: "a", model: "b-c")?.cost == 9_000_000_000)
        #expect(try sample.total(user: "a", model: "b-c")?.requests == 3)
    }

    @Test func `the contract's columns follow from the sums`() async throws {
        let sample = try SampleDatabase()
        var oracle = Oracle()
        try sample.fill(300, seed: 21, into: &oracle)
        try await sample.rollUp()
        #expect(try sample.totals() == oracle.totals())
        let off: Int? = try sample.value(
            """
            SELECT COUNT(*)
            FROM daily_usage_stats
            WHERE id <> user_id || '-' || model || '-' || date
               OR total_cost <> cost_nanos / 1e9
               OR avg_latency <> 1.0 * latency_sum_ms / total_requests
               OR success_rate <> 100.0 * successes / total_requests
               OR successes + failures <> total_requests
               OR created_at <> '2026-11-24 00:00:00' OR updated_at <> '2026-11-24 00:00:00'
               OR source <> 'rollup'
            """)
        #expect(off == 0)
    }

    @Test(arguments: [1, 2, 7, 1_000])
    func `neither the size of batches nor of bites changes a total`(size: Int) async throws {
        let sample = try SampleDatabase()
        var oracle = Oracle()
        try sample.fill(200, seed: 22, into: &oracle)
        let steps = Allowance.Steps { size < 7 }
        for readsAhead in [true, false] {
            let rollup = Rollup(
                store: try sample.store(steps: steps), zone: .utc,
                limits: Rollup.Limits(keysPerBatch: size, rowsPerSnapshot: Int64(size), readsAhead: readsAhead)
            ) { Instant(milliseconds: 1_795_000_000_000) }
            let outcome = try await rollup.run()
            #expect(outcome.isComplete && outcome.rows == 200)
            #expect(try sample.totals() == oracle.totals())
            try sample.fill(200, seed: 23, into: &oracle)
        }
    }
}
