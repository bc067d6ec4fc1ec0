import Foundation
import GRDB
import Scheduling
import TestSupport
import Testing

@testable import Storage

@Suite struct GatewayFiguresTests {
    @Test func `the first reading has no window and gives no row`() async throws {
        let sample = try SampleDatabase()
        try sample.insert()
        let figures = try await GatewayFigures.read(try sample.store(), since: nil)
        #expect(figures.window == nil)
        #expect(figures.rows(elapsed: .seconds(60)).isEmpty)
        #expect(try figures.through == sample.value("SELECT MAX(id) FROM usage_logs"))
    }

    @Test func `rates are of each minute, whatever the time between two readings`() async throws {
        let sample = try SampleDatabase()
        let store = try sample.store()
        let first = try await GatewayFigures.read(store, since: nil)
        for user in ["ada", "ada", "bob"] { try sample.insert(user: user, input: 10, output: 5, cost: 0.25) }
        try sample.insert(user: "cy", cost: 0, status: "error")
        let rows = try await GatewayFigures.read(store, since: first.through).rows(elapsed: .seconds(120))
        let values = Dictionary(rows.map { ($0.name, $0.value) }) { first, _ in first }
        #expect(values["gateway.request.rate"] == 2)
        #expect(values["gateway.error.rate"] == 0.5)
        #expect(values["gateway.token.rate"] == 30)
        #expect(values["gateway.cost.rate"] == 0.375)
        #expect(values["gateway.request.uncosted.rate"] == 0.5)
        #expect(values["gateway.request.odd.rate"] == 0)
        #expect(values["gateway.request.unread"] == 0)
        #expect(values["gateway.user.active"] == 3)
        #expect(
            values["gen_ai.client.operation.duration"] == 0.1005 || values["gen_ai.client.operation.duration"] == 0.1)
    }

    @Test(arguments: 1...12)
    func `a window is what plain SQL says of its rows`(seed: UInt64) async throws {
        let sample = try SampleDatabase()
        let store = try sample.store()
        var random = SplitMix64(seed: seed)
        try Self.fill(sample, 40, &random)
        var through = try await GatewayFigures.read(store, since: nil).through
        var limits = GatewayFigures.Limits()
        limits.rowsPerSnapshot = 7
        for _ in 0..<3 {
            try Self.fill(sample, Int.random(in: 0...150, using: &random), &random)
            try sample.execute("DELETE FROM usage_logs WHERE id % 11 = ?", [Int.random(in: 0...10, using: &random)])
            let figures = try await GatewayFigures.read(store, since: through, limits: limits)
            let window = try #require(figures.window)
            let sums = try #require(try sample.rows(Self.oracle(after: through)).first)
            let found = [
                window.requests, window.errors, window.odd, window.tokens, Int64(window.costNanos), window.uncosted,
                Int64(window.users),
            ].map(\.databaseValue)
            #expect(found == sums, "seed \(seed)")
            try Self.compareLatencies(window, sample, after: through, seed: seed)
            through = figures.through
        }
    }

    /// Sums of the usable rows, by SQL alone. Whole numbers from 0 to 10^12, and so on: the README's table of what can't be counted.
    private static func oracle(after: Int64) -> String {
        """
        WITH judged AS (
          SELECT *, \(usable) AS usable
          FROM usage_logs
          WHERE id > \(after)
        )
        SELECT COUNT(*), COALESCE(SUM(status IS NOT 'success'), 0), COALESCE(SUM(NOT usable), 0),
               COALESCE(SUM(CASE WHEN usable THEN MAX(total_tokens, input_tokens + output_tokens) ELSE 0 END), 0),
               COALESCE(SUM(CASE WHEN usable THEN CAST(ROUND(cost * 1e9) AS INTEGER) ELSE 0 END), 0),
               COALESCE(SUM(usable AND cost = 0 AND MAX(total_tokens, input_tokens + output_tokens) > 0), 0),
               COUNT(DISTINCT CASE WHEN typeof(user_id) = 'text' AND length(user_id) <= 1024 THEN user_id END)
        FROM judged
        """
    }

    private static let usable = """
        (typeof(user_id) = 'text' AND length(user_id) <= 1024 AND typeof(model) = 'text' AND length(model) <= 1024
         AND typeof(input_tokens) = 'integer' AND input_tokens BETWEEN 0 AND 1000000000000
         AND typeof(output_tokens) = 'integer' AND output_tokens BETWEEN 0 AND 1000000000000
         AND typeof(total_tokens) = 'integer' AND total_tokens BETWEEN 0 AND 1000000000000
         AND typeof(cost) = 'real' AND cost BETWEEN 0 AND 1000000
         AND typeof(latency) = 'integer' AND latency BETWEEN 0 AND 1000000000)
        """

    private static func compareLatencies(
        _ window: GatewayFigures.Window, _ sample: SampleDatabase, after: Int64, seed: UInt64
    ) throws {
        let rows = try sample.rows("SELECT model, latency FROM usage_logs WHERE id > \(after) AND \(usable)")
        var exact: [String: [Int64]] = [:]
        for row in rows {
            let model = try #require(String.fromDatabaseValue(row[0]))
            exact[model, default: []].append(try #require(Int64.fromDatabaseValue(row[1])))
        }
        #expect(Set(window.latencies.map(\.model)) == Set(exact.keys), "seed \(seed)")
        for latency in window.latencies {
            let sorted = try #require(exact[latency.model]).sorted()
            #expect(latency.requests == Int64(sorted.count))
            for (quantile, found) in zip(GatewayFigures.quantiles, latency.milliseconds) {
                let rank = max(1, Int((quantile * Double(sorted.count)).rounded(.up)))
                let true_ = Double(sorted[rank - 1])
                #expect(abs(found - true_) <= 0.02 * true_, "seed \(seed), \(latency.model) \(quantile)")
            }
        }
    }

    /// One row in five is odd in some column.
    private static func fill(_ sample: SampleDatabase, _ count: Int, _ random: inout SplitMix64) throws {
        for _ in 0..<count {
            var values: [any DatabaseValueConvertible] = [
                "user \(Int.random(in: 0...9, using: &random))", "model \(Int.random(in: 0...3, using: &random))",
                Int64.random(in: 0...4_000, using: &random), Int64.random(in: 0...900, using: &random),
                Bool.random(using: &random) ? 0 : Int64.random(in: 0...9_000, using: &random),
                Bool.random(using: &random) ? 0 : Double(Int64.random(in: 1...2_000_000_000, using: &random)) / 1e9,
                Int64.random(in: 0...200_000, using: &random),
            ]
            if Int.random(in: 0...4, using: &random) == 0 {
                let odd: [any DatabaseValueConvertible] = [
                    "many", -1, Int64.max, 2_000_000_000_000_000 as Int64, Data([1, 2]), -0.5, 1e300, "",
                ]
                values[Int.random(in: 0...6, using: &random)] = odd[Int.random(in: 0..<odd.count, using: &random)]
            }
            try sample.insert(
                user: values[0], model: values[1], input: values[2], output: values[3], total: values[4],
                cost: values[5], latency: values[6],
                status: ["success", "success", "error", "Success"][Int.random(in: 0...3, using: &random)])
        }
    }

    @Test func `what is beyond the bound is said, and the newest rows are read`() async throws {
        let sample = try SampleDatabase()
        let store = try sample.store()
        let first = try await GatewayFigures.read(store, since: nil)
        for index in 0..<50 { try sample.insert(user: index < 30 ? "old" : "new", input: index, output: 0) }
        var limits = GatewayFigures.Limits()
        limits.rows = 20
        limits.rowsPerSnapshot = 8
        let window = try #require(try await GatewayFigures.read(store, since: first.through, limits: limits).window)
        #expect(window.requests == 20)
        #expect(window.unread == 30)
        #expect(window.users == 1)
        #expect(window.tokens == (30..<50).reduce(0, +))
    }

    @Test func `a bound that is just reached leaves nothing unread`() async throws {
        let sample = try SampleDatabase()
        let store = try sample.store()
        let first = try await GatewayFigures.read(store, since: nil)
        for _ in 0..<20 { try sample.insert() }
        var limits = GatewayFigures.Limits()
        limits.rows = 20
        limits.rowsPerSnapshot = 10
        let window = try #require(try await GatewayFigures.read(store, since: first.through, limits: limits).window)
        #expect(window.requests == 20)
        #expect(window.unread == 0)
    }

    @Test func `the busiest models stand alone and the others together`() async throws {
        let sample = try SampleDatabase()
        let store = try sample.store()
        let first = try await GatewayFigures.read(store, since: nil)
        for (model, count) in [("a", 5), ("b", 4), ("c", 2), ("d", 1), ("(rest)", 9)] {
            for _ in 0..<count { try sample.insert(model: model, latency: 30) }
        }
        var limits = GatewayFigures.Limits()
        limits.models = 2
        let window = try #require(try await GatewayFigures.read(store, since: first.through, limits: limits).window)
        #expect(window.latencies.map(\.model) == ["a", "b", "(rest)"])
        #expect(window.latencies.map(\.requests) == [5, 4, 12])
        #expect(window.latencies.allSatisfy { $0.milliseconds == [30, 30, 30] })
    }

    @Test func `removed rows neither go below zero nor are counted twice`() async throws {
        let sample = try SampleDatabase()
        let store = try sample.store()
        for _ in 0..<5 { try sample.insert() }
        let first = try await GatewayFigures.read(store, since: nil)
        try sample.execute("DELETE FROM usage_logs")
        let second = try await GatewayFigures.read(store, since: first.through)
        #expect(second.window?.requests == 0)
        try sample.insert()
        let third = try await GatewayFigures.read(store, since: second.through)
        #expect(third.window?.requests == 1)
    }

    @Test func `an id far ahead is one request`() async throws {
        let sample = try SampleDatabase()
        let store = try sample.store()
        let first = try await GatewayFigures.read(store, since: nil)
        try sample.insert(id: 1 << 60)
        let window = try #require(try await GatewayFigures.read(store, since: first.through).window)
        #expect(window.requests == 1)
        #expect(window.unread == 0)
    }
}
