import Foundation
import GRDB
import Scheduling
import Storage
import Testing

/// Rows that can't be counted: set aside under their reason, and nothing else goes wrong.
@Suite struct `Rejects` {
    struct Odd: Sendable, CustomTestStringConvertible {
        let column: String
        /// An SQL expression.
        let value: String
        let reason: RejectReason
        var testDescription: String { "\(column) = \(value)" }

        init(_ column: String, _ value: String, _ reason: RejectReason) {
            self.column = column
            self.value = value
            self.reason = reason
        }
    }

    static let odd = [
        Odd("user_id", "CAST(zeroblob(10000000) AS TEXT)", .userUnusable),
        Odd("user_id", "replace(hex(zeroblob(5000000)), '0', 'x')", .userUnusable),
        Odd("user_id", "replace(hex(zeroblob(512)), '0', 'x') || 'x'", .userUnusable),
        Odd("user_id", "'a' || char(0) || 'b'", .userUnusable), Odd("user_id", "char(0)", .userUnusable),
        Odd("user_id", "CAST(x'ff' AS TEXT)", .userUnusable), Odd("user_id", "CAST(x'61c3' AS TEXT)", .userUnusable),
        Odd("user_id", "CAST(x'eda080' AS TEXT)", .userUnusable),
        Odd("user_id", "CAST(x'c080' AS TEXT)", .userUnusable),
        Odd("user_id", "CAST(x'f4908080' AS TEXT)", .userUnusable), Odd("user_id", "x'6162'", .userUnusable),
        Odd("model", "'a' || char(0)", .modelUnusable), Odd("model", "CAST(x'fe' AS TEXT)", .modelUnusable),
        Odd("model", "x''", .modelUnusable), Odd("model", "replace(hex(zeroblob(600)), '0', 'x')", .modelUnusable),
        Odd("input_tokens", "-1", .tokensUnusable), Odd("input_tokens", "1.5", .tokensUnusable),
        Odd("input_tokens", "'many'", .tokensUnusable), Odd("input_tokens", "10000000000000", .tokensUnusable),
        Odd("input_tokens", "1000000000001", .tokensUnusable), Odd("input_tokens", "9e999", .tokensUnusable),
        Odd("input_tokens", "''", .tokensUnusable), Odd("input_tokens", "9223372036854775807", .tokensUnusable),
        Odd("input_tokens", "9223372036854775808", .tokensUnusable),
        Odd("output_tokens", "-9223372036854775808", .tokensUnusable),
        Odd("output_tokens", "x'05'", .tokensUnusable), Odd("output_tokens", "0.5", .tokensUnusable),
        Odd("total_tokens", "-1", .tokensUnusable), Odd("total_tokens", "1e13", .tokensUnusable),
        Odd("total_tokens", "'12a'", .tokensUnusable),
        Odd("cost", "-1", .costUnusable), Odd("cost", "-1e-9", .costUnusable), Odd("cost", "9e999", .costUnusable),
        Odd("cost", "-9e999", .costUnusable), Odd("cost", "'free'", .costUnusable), Odd("cost", "1e7", .costUnusable),
        Odd("cost", "1000000.0000001", .costUnusable), Odd("cost", "x'3f'", .costUnusable),
        Odd("cost", "''", .costUnusable),
        Odd("latency", "-1", .latencyUnusable), Odd("latency", "1.5", .latencyUnusable),
        Odd("latency", "'slow'", .latencyUnusable), Odd("latency", "1000000001", .latencyUnusable),
        Odd("created_at", "NULL", .timeUnreadable), Odd("created_at", "''", .timeUnreadable),
        Odd("created_at", "'yesterday'", .timeUnreadable), Odd("created_at", "'2026-02-30'", .timeUnreadable),
        Odd("created_at", "'2026-02-31T10:00:00Z'", .timeUnreadable),
        Odd("created_at", "'2026-11-20T24:00:00Z'", .timeUnreadable), Odd("created_at", "20261120", .timeUnreadable),
        Odd("created_at", "0", .timeUnreadable), Odd("created_at", "-1795219199", .timeUnreadable),
        Odd("created_at", "9e999", .timeUnreadable), Odd("created_at", "2461365.5", .timeUnreadable),
        Odd("created_at", "x'323032362d31312d3230'", .timeUnreadable),
        Odd("created_at", "'2026-11-20' || char(0)", .timeUnreadable),
        Odd("created_at", "'2026-11-20T10:00:00Z' || char(0) || 'x'", .timeUnreadable),
        Odd("created_at", "CAST(zeroblob(3000000) AS TEXT)", .timeUnreadable),
        Odd("created_at", "'0000-01-01T00:00:00+01:00'", .timeOutOfRange),
        Odd("created_at", "'9999-12-31T23:59:59-01:00'", .timeOutOfRange),
    ]

    private func insert(_ sample: SampleDatabase, _ odd: Odd) throws -> Int64 {
        let id = try sample.insert()
        try sample.execute("UPDATE usage_logs SET \(odd.column) = \(odd.value) WHERE id = ?", [id])
        return id
    }

    @Test(arguments: odd)
    func `an odd row is set aside under its reason, stays where it is, and counts once it is corrected`(
        odd: Odd
    ) async throws {
        let sample = try SampleDatabase()
        try sample.insert()
        let id = try insert(sample, odd)
        try sample.insert()
        let outcome = try await sample.rollUp()
        #expect(outcome.rows == 3 && outcome.rejected == 1)
        #expect(try sample.rejects() == [id: odd.reason.rawValue])
        let detail: String = try #require(try sample.value("SELECT detail FROM usage_rejects"))
        #expect(!detail.isEmpty || odd.value == "''")
        #expect(detail.utf8.count < 400 && !detail.contains("\0"))
        let listed = try await RejectedRow.read(sample.store(), limit: 10)
        #expect(listed.map(\.rowID) == [id] && listed.map(\.reason) == [odd.reason])
        #expect(try sample.value("SELECT COUNT(*) FROM usage_logs") == 3)
        #expect(try sample.totals().count == 1)
        #expect(try sample.total()?.requests == 2)
        let verified = try await Verification(store: sample.store(), zone: .utc).run()
        #expect(verified.isClean, "\(verified.drifts)")

        try sample.execute(
            """
            UPDATE usage_logs
            SET user_id = 'u', model = 'alpha', input_tokens = 10, output_tokens = 5, total_tokens = 0, cost = 0.5,
                latency = 100, created_at = '2026-11-20 10:00:00'
            WHERE id = ?
            """, [id])
        try await sample.rollUp()
        #expect(try sample.rejects().isEmpty)
        #expect(try sample.total()?.requests == 3)
        #expect(try sample.total()?.cost == 1_500_000_000)
        #expect(try await Verification(store: sample.store(), zone: .utc).run().isClean)
    }

    /// Bytes that are no UTF-8 are beyond SQL: until such a row is counted, the views show it.
    @Test(arguments: odd.filter { !$0.value.hasPrefix("CAST(x'") })
    func `an odd row is in no view, counted or not`(odd: Odd) async throws {
        let sample = try SampleDatabase()
        try sample.execute("UPDATE rollup_state SET adopted = 1")
        try sample.insert()
        let id = try insert(sample, odd)
        let before: Int? = try sample.value("SELECT SUM(total_requests) FROM usage_daily")
        try await sample.rollUp()
        let after: Int? = try sample.value("SELECT SUM(total_requests) FROM usage_daily")
        #expect(before == 1 && after == 1, "row \(id)")
    }

    @Test(arguments: odd)
    func `a counted row that turns odd is taken off and set aside, and forgotten when it is removed`(
        odd: Odd
    ) async throws {
        let sample = try SampleDatabase()
        try sample.insert()
        let id = try sample.insert()
        try await sample.rollUp()
        try sample.execute("UPDATE usage_logs SET \(odd.column) = \(odd.value) WHERE id = ?", [id])
        try await sample.rollUp()
        #expect(try sample.rejects() == [id: odd.reason.rawValue])
        #expect(try sample.total()?.requests == 1)
        #expect(try await Verification(store: sample.store(), zone: .utc).run().isClean)
        try sample.execute("DELETE FROM usage_logs WHERE id = ?", [id])
        try await sample.rollUp()
        #expect(try sample.rejects().isEmpty)
        #expect(try sample.total()?.requests == 1)
    }

    @Test(arguments: [
        ("user_id", "''"), ("user_id", "replace(hex(zeroblob(512)), '0', 'x')"), ("user_id", "5"), ("model", "''"),
        ("input_tokens", "'12'"), ("input_tokens", "3.0"), ("input_tokens", "1000000000000"), ("cost", "'0.5'"),
        ("cost", "1000000"), ("cost", "0"), ("cost", "-0.0"), ("latency", "1000000000"), ("latency", "0"),
        ("created_at", "'0000-01-01'"), ("created_at", "'9999-12-31T23:59:59.999Z'"), ("status", "''"),
        ("status", "x'00'"),
    ])
    func `what only looks odd counts`(column: String, value: String) async throws {
        let sample = try SampleDatabase()
        let id = try sample.insert()
        try sample.execute("UPDATE usage_logs SET \(column) = \(value) WHERE id = ?", [id])
        try await sample.rollUp()
        #expect(try sample.rejects().isEmpty)
        #expect(try sample.value("SELECT SUM(total_requests) FROM daily_usage_stats") == 1)
        #expect(try await Verification(store: sample.store(), zone: .utc).run().isClean)
    }

    @Test(arguments: ["user_id", "model", "input_tokens", "output_tokens", "total_tokens", "cost", "latency", "status"])
    func `a NaN is NULL to SQLite, and the table refuses it`(column: String) throws {
        let sample = try SampleDatabase()
        let id = try sample.insert()
        let error = #expect(throws: DatabaseError.self) {
            try sample.execute("UPDATE usage_logs SET \(column) = 9e999 - 9e999 WHERE id = ?", [id])
        }
        #expect(error?.extendedResultCode == .SQLITE_CONSTRAINT_NOTNULL)
    }

    @Test(arguments: [
        ("America/New_York", "0000-01-01T00:00:00Z"), ("Asia/Tokyo", "9999-12-31T23:00:00Z"),
    ])
    func `a time may lie past the calendar's end in the zone alone`(name: String, time: String) async throws {
        let sample = try SampleDatabase()
        let id = try sample.insert(at: time)
        let zone = try #require(Zone(name))
        try await sample.rollUp(zone: zone)
        #expect(try sample.rejects() == [id: RejectReason.timeOutOfRange.rawValue])
        #expect(try await Verification(store: sample.store(), zone: zone).run().isClean)
    }

    @Test func `an estimate beyond a million dollars is set aside, and the dearest below it counts`()
        async throws
    {
        let sample = try SampleDatabase()
        try sample.execute("UPDATE model_pricing SET prompt_cost_per_1k = 1000 WHERE model = 'alpha'")
        try sample.execute("DELETE FROM model_price_book")
        let id = try sample.insert(input: 1_000_001, cost: 0.0)
        try sample.insert(input: 1_000_000, output: 0, cost: 0.0)
        try await sample.rollUp()
        #expect(try sample.rejects() == [id: RejectReason.costUnusable.rawValue])
        #expect(try sample.total()?.cost == 1_000_000_000_000_000)
    }

    @Test func `a row whose estimate a price makes absurd is set aside, and no purge takes it for counted`()
        async throws
    {
        let sample = try SampleDatabase()
        let id = try sample.insert(model: "gamma", input: 2_000_000_000, output: 0, cost: 0.0)
        try sample.insert(model: "gamma", input: 10, output: 0, cost: 0.5)
        try await sample.rollUp()
        #expect(try sample.total(model: "gamma")?.requests == 2)
        try sample.execute(
            """
            INSERT INTO model_pricing (id, model, provider, prompt_cost_per_1k, completion_cost_per_1k)
            VALUES ('g', 'gamma', 'test', 1000, 1)
            """)
        try await sample.rollUp()
        #expect(try sample.total(model: "gamma")?.requests == 1)
        #expect(try sample.rejects() == [id: RejectReason.costUnusable.rawValue])
        #expect(try await Verification(store: sample.store(), zone: .utc).run().isClean)
        // One that nobody has noted is no day without a difference.
        try sample.execute("DELETE FROM usage_rejects")
        let report = try await Verification(store: sample.store(), zone: .utc).run()
        #expect(report.drifts.map(\.unnotedRows) == [1])
        let day = try #require(Day("2026-11-20"))
        let sealing = DaySealing(store: try sample.store(), zone: .utc)
        #expect(try await sealing.seal(day, now: Instant(milliseconds: 0)) == .drift(keys: 0))
        _ = try await Rebuild(store: sample.store(), zone: .utc).mark(day...day)
        try await sample.rollUp()
        #expect(try sample.rejects() == [id: RejectReason.costUnusable.rawValue])
        // Put right, it counts.
        try sample.execute("UPDATE usage_logs SET cost = 2 WHERE id = \(id)")
        #expect(try await Verification(store: sample.store(), zone: .utc).run().isClean)
        try await sample.rollUp()
        #expect(try sample.total(model: "gamma")?.requests == 2)
        #expect(try sample.rejects().isEmpty)
        // And made unusable, it is no drift while the change waits.
        try sample.execute("UPDATE usage_logs SET cost = -1 WHERE id = \(id)")
        #expect(try await Verification(store: sample.store(), zone: .utc).run().isClean)
        try await sample.rollUp()
        #expect(try sample.rejects() == [id: RejectReason.costUnusable.rawValue])
        #expect(try await sealing.seal(day, now: Instant(milliseconds: 0)) == nil)
    }

    @Test func `every reason says what to correct`() {
        for reason in RejectReason.allCases { #expect(!reason.remedy.isEmpty) }
    }
}
