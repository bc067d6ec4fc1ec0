import Foundation
import GRDB
import Scheduling
import Storage
import Synchronization
import Testing

/// The views, at every moment at which somebody may read them.
@Suite struct `Views` {
    /// What usage_daily says, key by key.
    private static func seen(_ sample: SampleDatabase) throws -> [Oracle.Key: Oracle.Total] {
        try sample.gateway.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT date, user_id, model, SUM(total_requests) AS requests, SUM(total_requests - successes) AS failures,
                           SUM(input_tokens) AS input, SUM(output_tokens) AS output, SUM(total_tokens) AS tokens,
                           SUM(cost_nanos) AS cost, SUM(estimated_cost_nanos) AS estimated,
                           SUM(unpriced_requests) AS unpriced, SUM(unpriced_tokens) AS unpriced_tokens,
                           SUM(latency_sum_ms) AS latency_sum, MAX(latency_max_ms) AS latency_max
                    FROM usage_daily
                    GROUP BY date, user_id, model
                    """)
            return Dictionary(
                uniqueKeysWithValues: rows.map { row in
                    var total = Oracle.Total()
                    total.requests = row["requests"]
                    total.failures = row["failures"]
                    total.input = row["input"]
                    total.output = row["output"]
                    total.tokens = row["tokens"]
                    total.cost = Decimal(row["cost"] as Int64)
                    total.estimated = Decimal(row["estimated"] as Int64)
                    total.unpricedRequests = row["unpriced"]
                    total.unpricedTokens = row["unpriced_tokens"]
                    total.latencySum = row["latency_sum"]
                    total.latencyMax = row["latency_max"]
                    return (Oracle.Key(date: row["date"], user: row["user_id"], model: row["model"]), total)
                })
        }
    }

    /// The three contract views, grouped as each says.
    private static func expectViews(_ sample: SampleDatabase, _ oracle: Oracle, _ place: String) throws {
        let totals = oracle.totals()
        #expect(try seen(sample) == totals, "\(place)")
        func compare(_ view: String, _ key: String, _ name: (Oracle.Key) -> String) throws {
            var expected: [String: [Double]] = [:]
            for (name, group) in Dictionary(grouping: totals, by: { name($0.key) }) {
                let requests = group.reduce(0) { $0 + $1.value.requests }
                let nanos = group.reduce(Decimal(0)) { $0 + $1.value.cost }
                let latency = group.reduce(0) { $0 + $1.value.latencySum }
                let failures = group.reduce(0) { $0 + $1.value.failures }
                expected[name] = [
                    Double(requests), Double(group.reduce(0) { $0 + $1.value.tokens }),
                    Double((nanos as NSDecimalNumber).int64Value) / 1e9, Double(latency) / Double(requests),
                    100 * Double(requests - failures) / Double(requests),
                ]
            }
            let rows = try sample.rows(
                "SELECT \(key), total_requests, total_tokens, total_cost, avg_latency, success_rate FROM \(view)")
            let found = Dictionary(
                uniqueKeysWithValues: rows.map { row in
                    (String.fromDatabaseValue(row[0]) ?? "", row.dropFirst().map { Double.fromDatabaseValue($0) ?? -1 })
                })
            #expect(found == expected, "\(view) \(place)")
        }
        try compare("user_usage_summary", "user_id || ' ' || date") { "\($0.user) \($0.date)" }
        try compare("model_usage_stats", "model") { $0.model }
        try compare("daily_usage_trends", "date") { $0.date }
    }

    private func prepared(_ count: Int = 60) async throws -> (SampleDatabase, Oracle) {
        let sample = try SampleDatabase()
        try await sample.rollUp()  // the prices enter the book
        var oracle = Oracle()
        try sample.fill(count, seed: 81, into: &oracle)
        return (sample, oracle)
    }

    private func rollup(_ sample: SampleDatabase, _ keys: Int) throws -> Rollup {
        Rollup(
            store: try sample.store(steps: Allowance.Steps { true }), zone: .utc,
            limits: Rollup.Limits(keysPerBatch: keys, rowsPerSnapshot: 20, readsAhead: false)
        ) { Instant(milliseconds: 1_795_000_000_000) }
    }

    @Test(arguments: [1, 25, 1_000])
    func `between any two bites of a rollup the views are what the rows add up to`(keys: Int) async throws {
        let (sample, oracle) = try await prepared()
        let looks = Mutex(0)
        _ = try await rollup(sample, keys).run(shouldStop: {
            let look = looks.withLock {
                $0 += 1
                return $0
            }
            do { try Self.expectViews(sample, oracle, "at look \(look)") } catch { Issue.record(error) }
            return false
        })
        #expect(looks.withLock { $0 } > 20)
        try Self.expectViews(sample, oracle, "at the end")
        #expect(try sample.totals() == oracle.totals())
    }

    @Test func `a batch cut after any bite leaves the views right, also as rows come in, and the next run finishes it`()
        async throws
    {
        var cut = 0
        var isCut = true
        while isCut {
            cut += 1
            var (sample, oracle) = try await prepared()
            let bites = Mutex(cut)
            let outcome = try await rollup(sample, 1_000).run(shouldStop: {
                bites.withLock {
                    $0 -= 1
                    return $0 <= 0
                }
            })
            isCut = !outcome.isComplete
            try Self.expectViews(sample, oracle, "cut at \(cut)")
            try sample.fill(5, seed: 82, into: &oracle)
            try Self.expectViews(sample, oracle, "cut at \(cut), with new rows")
            _ = try await rollup(sample, 1_000).run()
            #expect(try sample.totals() == oracle.totals(), "cut at \(cut)")
            try #require(cut < 1_000)
        }
        #expect(cut > 40)
    }

    @Test func `no view shrinks when a day's rows go`() async throws {
        let (sample, oracle) = try await prepared(200)
        try await sample.rollUp()
        let sealing = DaySealing(store: try sample.store(steps: Allowance.Steps { true }), zone: .utc)
        for number in 10...20 {
            let day = try #require(Day("2026-11-\(number)"))
            #expect(try await sealing.seal(day, now: Instant(milliseconds: 0)) == nil)
            try Self.expectViews(sample, oracle, "\(day) sealed")
            _ = try await DayPurge(store: try sample.store(steps: Allowance.Steps { true }), zone: .utc).purge(
                day, DayPurge.Terms(now: Instant(milliseconds: 0), run: "1"))
            try Self.expectViews(sample, oracle, "\(day) purged")
        }
        #expect(try sample.value("SELECT COUNT(*) FROM usage_logs") == 0)
    }

    @Test(arguments: [
        "SELECT * FROM user_usage_summary WHERE date >= date('now', '-7 days')", "SELECT * FROM user_usage_summary",
        "SELECT * FROM model_usage_stats", "SELECT * FROM daily_usage_trends", "SELECT * FROM usage_daily",
        "SELECT * FROM daily_usage_trends WHERE date = '2026-11-20'",
        "SELECT * FROM user_usage_summary WHERE user_id = 'user 1'",
    ])
    func `a view reads no raw row that has been counted`(sql: String) async throws {
        let (sample, _) = try await prepared(200)
        try await sample.rollUp()
        try sample.execute("ANALYZE")
        let plan = try sample.rows("EXPLAIN QUERY PLAN \(sql)").compactMap { String.fromDatabaseValue($0[3]) }
        let raw = plan.filter { $0.contains(" u ") || $0.hasSuffix(" u") || $0.contains("usage_logs") }
        #expect(!raw.isEmpty, "\(plan)")
        #expect(raw.allSatisfy { $0 == "SEARCH u USING INTEGER PRIMARY KEY (rowid>?)" }, "\(plan)")
    }

    @Test func `the tail's days follow the zone's present offset`() async throws {
        let sample = try SampleDatabase()
        let zone = try #require(Zone("Asia/Kathmandu"))
        try sample.insert(at: "2026-11-20T10:00:00Z")
        try await sample.rollUp(zone: zone)
        for time in ["2026-11-20T18:14:59Z", "2026-11-20 18:15:00", "2026-11-21T00:00:00+05:45"] {
            try sample.insert(at: time)
        }
        try sample.insert(at: 1_795_198_500)
        try sample.insert(at: 1_795_198_500_000)
        let before = try Self.seen(sample)
        try await sample.rollUp(zone: zone)
        #expect(try Self.seen(sample) == before)
        #expect(try sample.requestsByDate() == ["2026-11-20": 2, "2026-11-21": 4])
    }
}
