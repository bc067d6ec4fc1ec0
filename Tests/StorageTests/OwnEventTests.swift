import Foundation
import GRDB
import Scheduling
import Storage
import Testing

/// What tallyd tells of its own doings: once, with the figure as it is in the end.
@Suite struct OwnEventTests {
    private let sample: SampleDatabase

    init() throws {
        sample = try SampleDatabase()
    }

    private static let now = Instant(iso8601: "2026-11-21T12:00:00Z") ?? Instant(milliseconds: 0)

    private func run(
        _ periods: [RetentionTable: RetentionPeriod], named run: String = "r", steps: Allowance.Steps? = nil,
        prepare: Store.Preparation? = nil, shouldStop: @escaping @Sendable () -> Bool = { false }
    ) async throws -> RetentionRun.Outcome {
        let policies = RetentionPolicies(periods: periods, settle: .seconds(86_400), largestShare: 1)
        return try await RetentionRun(
            store: try sample.store(steps: steps, prepare: prepare), zone: .utc, term: nil, policies: policies
        ).run(run: run, now: Self.now, shouldStop: shouldStop, progress: {})
    }

    private static let period = RetentionPeriod.limited(.seconds(5 * 86_400))

    private func events(_ type: String) throws -> [String] {
        try sample.rows(
            "SELECT payload FROM webhook_events WHERE event_type = '\(type)' AND user_id IS NULL ORDER BY seq"
        )
        .compactMap { String.fromDatabaseValue($0[0]) }
    }

    private func audited() throws -> Int {
        try sample.value(
            "SELECT SUM(json_extract(metadata, '$.rows')) FROM audit_logs WHERE action = 'retention.purged'")
            ?? 0
    }

    private func told() throws -> Int {
        try sample.value(
            "SELECT SUM(json_extract(payload, '$.rows')) FROM webhook_events WHERE event_type = 'retention.purged'")
            ?? 0
    }

    @Test func `a day that is sealed is told of with its totals`() async throws {
        try sample.insert(user: "a", input: 10, output: 5, cost: 0.5, at: "2026-11-18 10:00:00")
        try sample.insert(user: "b", input: 1, output: 2, cost: 0.000000001, at: "2026-11-18 10:00:00")
        try sample.insert(at: "2026-11-21 10:00:00")
        try await sample.rollUp()
        _ = try await run([.usageLogs: .forever])
        #expect(
            try events("usage.day_sealed") == [
                #"{"cost_nanos":500000001,"day":"2026-11-18","requests":2,"tokens":18}"#
            ])
        _ = try await run([.usageLogs: .forever])
        #expect(try events("usage.day_sealed").count == 1)
        #expect(try sample.value("SELECT created_at FROM webhook_events") == Self.now.milliseconds)
    }

    @Test func `a day whose total passes what a number holds is sealed and told of without it`() async throws {
        for user in ["a", "b"] { try sample.insert(user: user, cost: 9_000_000_000, at: "2026-11-18 10:00:00") }
        try sample.insert(at: "2026-11-21 10:00:00")
        try await sample.rollUp()
        guard try sample.rejects().isEmpty else { return }
        #expect(try await run([.usageLogs: .forever]).daysSealed.count == 1)
        #expect(try events("usage.day_sealed") == [#"{"day":"2026-11-18","requests":2,"tokens":30}"#])
    }

    @Test func `drift that keeps a day open is told of, a day and run`() async throws {
        for day in 17...21 { try sample.insert(at: "2026-11-\(day) 10:00:00") }
        try await sample.rollUp()
        try sample.execute("UPDATE daily_usage_stats SET total_requests = 7 WHERE date IN ('2026-11-17', '2026-11-18')")
        let outcome = try await run([.usageLogs: .forever])
        #expect(outcome.daysSealed.map(\.description) == ["2026-11-19"])
        #expect(
            try events("rollup.drift_found") == [
                #"{"day":"2026-11-17","keys":1}"#, #"{"day":"2026-11-18","keys":1}"#,
            ])
        #expect(try events("usage.day_sealed").count == 1)
    }

    @Test func `drift that a comparison finds is told of, and a clean one writes nothing`() async throws {
        try sample.insert(at: "2026-11-17 10:00:00")
        try await sample.rollUp()
        let store = try sample.store()
        let verification = Verification(store: store, zone: .utc)
        let version: Int64? = try sample.value("PRAGMA data_version")
        try await verification.tell(of: try await verification.run(), now: Self.now)
        #expect(try sample.value("PRAGMA data_version") == version)
        try sample.execute("UPDATE daily_usage_stats SET cost_nanos = cost_nanos + 1")
        try await verification.tell(of: try await verification.run(), now: Self.now)
        #expect(try events("rollup.drift_found") == [#"{"day":"2026-11-17","keys":1}"#])
    }

    @Test func `a purge is told of once a run, table and day, however many bites it took`() async throws {
        for day in [10, 10, 10, 11, 21] {
            try sample.insert(at: "2026-11-\(day) 10:00:00")
            try sample.execute(
                "INSERT INTO rate_limits (id, user_id, window_end) VALUES (?, 'u', ?)",
                [UUID().uuidString, "2026-11-\(day) 10:00:00"])
        }
        try await sample.rollUp()
        // A bite a row.
        _ = try await run(
            [.usageLogs: Self.period, .rateLimits: Self.period], named: "1795-x", steps: Allowance.Steps { true })
        #expect(
            try events("retention.purged") == [
                #"{"day":"2026-11-10","rows":3,"run":"1795-x","table":"usage_logs"}"#,
                #"{"day":"2026-11-11","rows":1,"run":"1795-x","table":"usage_logs"}"#,
                #"{"rows":4,"run":"1795-x","table":"rate_limits"}"#,
            ])
        #expect(
            try sample.rows("SELECT DISTINCT metadata FROM audit_logs WHERE action = 'retention.purged' ORDER BY 1")
                .compactMap { String.fromDatabaseValue($0[0]) } == [#"{"rows":1}"#, #"{"rows":3}"#, #"{"rows":4}"#])
        _ = try await run([.usageLogs: Self.period, .rateLimits: Self.period])
        #expect(try events("retention.purged").count == 3)
    }

    @Test func `purges that are cut at any statement are told of in the end, row for row`() async throws {
        for number in 0..<6 { try sample.insert(at: "2026-11-1\(number % 3) 10:00:00") }
        try sample.insert(at: "2026-11-21 10:00:00")
        try await sample.rollUp()
        var number = 5
        var cuts = 0
        while try sample.value("SELECT COUNT(*) FROM usage_logs") != 1, number < 4_000 {
            let fault = StatementFault(number)
            number += 7
            // The one above is the last run's process; as the job's next attempt has it, the name may be the same.
            let name = "r\(number / 20)"
            do {
                _ = try await run(
                    [.usageLogs: Self.period], named: name, steps: Allowance.Steps { true },
                    prepare: { db in fault.watch(db) })
            } catch {}
            withExtendedLifetime(fault) {}
            cuts += 1
        }
        _ = try await run([.usageLogs: Self.period], named: "last")
        #expect(cuts > 3)
        #expect(try audited() == 6)
        #expect(try told() == 6)
        #expect(try sample.value("SELECT COUNT(*) FROM audit_logs WHERE instr(metadata, 'untold') > 0") == 0)
    }

    @Test func `a run that ended with its process is told of by the next one, lines of older versions are not`()
        async throws
    {
        try sample.execute(
            """
            INSERT INTO audit_logs (id, user_id, action, resource_type, resource_id, metadata)
            VALUES ('tallyd-purge-7-usage_logs-2026-11-01', 'tallyd', 'retention.purged', 'usage_logs', '2026-11-01', '{"rows":5}')
            """)
        try sample.insert(at: "2026-11-10 10:00:00")
        try sample.insert(at: "2026-11-21 10:00:00")
        try await sample.rollUp()
        let store = try sample.store()
        let day = try #require(Day("2026-11-10"))
        _ = try await DaySealing(store: store, zone: .utc).seal(day, now: Self.now)
        _ = try await DayPurge(store: store, zone: .utc).purge(day, DayPurge.Terms(now: Self.now, run: "8-a"))
        #expect(try events("retention.purged") == [])
        _ = try await run([.usageLogs: Self.period])
        #expect(
            try events("retention.purged") == [#"{"day":"2026-11-10","rows":1,"run":"8-a","table":"usage_logs"}"#])
    }
}
