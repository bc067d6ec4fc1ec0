import Foundation
import GRDB
import Scheduling
import Storage
import Testing

/// What a row without a cost is estimated at. alpha costs $0.00015 and $0.0006 for 1,000 tokens, beta $0.003 and $0.0150001.
@Suite struct `Rollup prices` {
    private func insert(
        _ sample: SampleDatabase, _ model: String = "alpha", at: String = "2026-11-20T10:00:00Z", input: Int = 1_000,
        output: Int = 0, total: Int = 0
    ) throws {
        try sample.insert(model: model, input: input, output: output, total: total, cost: 0.0, at: at)
    }

    private func price(
        _ sample: SampleDatabase, _ model: String, prompt: Double = 1, active: String = "TRUE",
        currency: String = "'USD'"
    ) throws {
        try sample.execute(
            """
            INSERT INTO model_pricing (id, model, provider, prompt_cost_per_1k, completion_cost_per_1k, is_active, currency)
            VALUES ('p-' || ?1, ?1, 'test', ?2, 2, \(active), \(currency))
            """, [model, prompt])
    }

    @Test(arguments: [
        (0, 5, 75_001), (0, 15, 225_002), (0, 25, 375_003), (1, 5, 78_001), (1, 0, 3_000), (0, 4, 60_000),
    ])
    func `an estimate is rounded to whole nano-dollars, halves up`(input: Int, output: Int, nanos: Decimal) async throws
    {
        let sample = try SampleDatabase()
        try insert(sample, "beta", input: input, output: output)
        try await sample.rollUp()
        #expect(try sample.total(model: "beta")?.cost == nanos)
        #expect(try sample.total(model: "beta")?.estimated == nanos)
    }

    @Test func `each row is rounded by itself, not the sum`() async throws {
        let sample = try SampleDatabase()
        for _ in 0..<10 { try insert(sample, "beta", input: 0, output: 5) }
        try await sample.rollUp()
        #expect(try sample.total(model: "beta")?.cost == 750_010)
    }

    @Test func `recorded and estimated costs add up, and the estimated part stands beside them`() async throws {
        let sample = try SampleDatabase()
        try insert(sample)
        try sample.insert(cost: 0.5)
        try await sample.rollUp()
        let total = try #require(try sample.total())
        #expect(total.cost == 500_150_000)
        #expect(total.estimated == 150_000)
        #expect(total.unpricedRequests == 0)
    }

    @Test func `a model without a price is unpriced, never free`() async throws {
        let sample = try SampleDatabase()
        try insert(sample, "gamma", input: 70, output: 30)
        try insert(sample, "gamma", input: 0, output: 0)
        try await sample.rollUp()
        let total = try #require(try sample.total(model: "gamma"))
        #expect(total.requests == 2)
        #expect(total.cost == 0)
        #expect(total.unpricedRequests == 1)  // nothing was used in the other, so nothing lacks a price
        #expect(total.unpricedTokens == 100)
    }

    @Test func `tokens that are neither input nor output are unpriced`() async throws {
        let sample = try SampleDatabase()
        try insert(sample, input: 10, output: 5, total: 100)
        try await sample.rollUp()
        let total = try #require(try sample.total())
        #expect(total.estimated == 4_500)
        #expect(total.unpricedTokens == 85)
        #expect(total.unpricedRequests == 1)
    }

    @Test(arguments: [
        ("TRUE", "'USD'", true), ("1", "'USD'", true), ("'true'", "'usd'", true), ("'TRUE'", "NULL", true),
        ("FALSE", "'USD'", false), ("'false'", "'USD'", false), ("0", "'USD'", false), ("NULL", "'USD'", false),
        ("TRUE", "'EUR'", false), ("'yes'", "'USD'", false),
    ])
    func `a price holds when it is active, however that is written, and in dollars`(
        active: String, currency: String, holds: Bool
    ) async throws {
        let sample = try SampleDatabase()
        try price(sample, "gamma", active: active, currency: currency)
        try insert(sample, "gamma")
        try await sample.rollUp()
        #expect(try sample.total(model: "gamma")?.estimated == (holds ? 1_000_000_000 : 0))
        #expect(try sample.total(model: "gamma")?.unpricedTokens == (holds ? 0 : 1_000))
    }

    @Test(arguments: ["-1", "1000.5", "9e999", "'much'", "x'00'"])
    func `a price that is none is no price`(prompt: String) async throws {
        let sample = try SampleDatabase()
        try sample.execute(
            """
            INSERT INTO model_pricing (id, model, provider, prompt_cost_per_1k, completion_cost_per_1k)
            VALUES ('g', 'gamma', 'test', \(prompt), 1)
            """)
        try insert(sample, "gamma")
        try await sample.rollUp()
        #expect(try sample.total(model: "gamma")?.unpricedRequests == 1)
    }

    @Test func `a model's first price holds for the open days before it`() async throws {
        let sample = try SampleDatabase()
        try insert(sample, "gamma", at: "2026-10-02T10:00:00Z")
        try insert(sample, "gamma")
        try await sample.rollUp()
        #expect(try sample.total(model: "gamma")?.unpricedRequests == 1)
        try price(sample, "gamma")
        let outcome = try await sample.rollUp(now: "2026-11-24T12:00:00Z")
        #expect(outcome.prices == 1 && outcome.daysDerived == 2)
        for date in ["2026-10-02", "2026-11-20"] {
            let total = try #require(try sample.total(date, model: "gamma"))
            #expect(total.cost == 1_000_000_000 && total.estimated == 1_000_000_000)
            #expect(total.unpricedRequests == 0 && total.unpricedTokens == 0)
        }
        #expect(try await sample.rollUp(now: "2026-11-24T13:00:00Z").didNothing)
    }

    /// A sealed day on which gamma was used, whose first price came afterwards.
    private func sealedWithoutPrice() async throws -> SampleDatabase {
        let sample = try SampleDatabase()
        try insert(sample, "gamma")
        try await sample.rollUp()
        let sealing = DaySealing(store: try sample.store(), zone: .utc)
        let day = try #require(Day("2026-11-20"))
        #expect(try await sealing.seal(day, now: Instant(milliseconds: 0)) == nil)
        try price(sample, "gamma")
        try await sample.rollUp()
        return sample
    }

    @Test func `a first price leaves a sealed day as it was`() async throws {
        let sample = try await sealedWithoutPrice()
        #expect(try sample.total(model: "gamma")?.unpricedRequests == 1)
        #expect(try sample.total(model: "gamma")?.cost == 0)
    }

    @Test(arguments: [
        ("UPDATE usage_logs SET cost = 0.8 WHERE model = 'gamma'", 800_000_000 as Decimal?),
        ("DELETE FROM usage_logs WHERE model = 'gamma'", nil),
        ("UPDATE usage_logs SET created_at = '2026-11-22T10:00:00Z' WHERE model = 'gamma'", nil),
    ])
    func `what a sealed day counted without a price is taken off without one`(sql: String, cost: Decimal?) async throws
    {
        let sample = try await sealedWithoutPrice()
        try sample.execute(sql)
        try await sample.rollUp()
        let total = try sample.total(model: "gamma")
        #expect(total?.cost == cost)
        #expect(total?.estimated ?? 0 == 0 && total?.unpricedRequests ?? 0 == 0 && total?.unpricedTokens ?? 0 == 0)
        // From the next day on it holds.
        try insert(sample, "gamma", at: "2026-11-21T00:00:00Z")
        try insert(sample, "gamma", at: "2026-11-20T23:59:59.999Z")
        try await sample.rollUp()
        #expect(try sample.total("2026-11-21", model: "gamma")?.estimated == 1_000_000_000)
        #expect(try sample.total(model: "gamma")?.unpricedRequests == 1)
    }

    @Test func `a changed price holds from when it was seen, and never before`() async throws {
        let sample = try SampleDatabase()
        try insert(sample, at: "2026-11-20T10:00:00Z")
        try await sample.rollUp()
        try sample.execute("UPDATE model_pricing SET prompt_cost_per_1k = 7 WHERE model = 'alpha'")
        try await sample.rollUp(now: "2026-11-24T12:00:00Z")
        try insert(sample, at: "2026-11-24T11:59:59.999Z")
        try insert(sample, at: "2026-11-20T11:00:00Z")
        try insert(sample, at: "2026-11-25T12:00:00Z")
        try await sample.rollUp(now: "2026-11-26T00:00:00Z")
        #expect(try sample.total("2026-11-20")?.cost == 300_000)
        #expect(try sample.total("2026-11-24")?.cost == 150_000)
        #expect(try sample.total("2026-11-25")?.cost == 7_000_000_000)
    }

    @Test func `rows of today that were counted before a change was seen are derived again`() async throws {
        let sample = try SampleDatabase()
        // The gateway's clock is ahead of ours: the row is from after the moment at which the price is seen.
        try insert(sample, at: "2026-11-24T18:00:00Z")
        try insert(sample, at: "2026-11-24T06:00:00Z")
        try await sample.rollUp()
        try sample.execute("UPDATE model_pricing SET prompt_cost_per_1k = 7 WHERE model = 'alpha'")
        try await sample.rollUp(now: "2026-11-24T12:00:00Z")
        #expect(try sample.total("2026-11-24")?.cost == 7_000_150_000)
        #expect(try await Verification(store: sample.store(), zone: .utc).run().isClean)
    }

    @Test(arguments: [
        "DELETE FROM model_pricing WHERE model = 'alpha'", "UPDATE model_pricing SET is_active = 'false'",
        "UPDATE model_pricing SET currency = 'EUR'",
    ])
    func `a withdrawn price holds until it was withdrawn, and may come back`(sql: String) async throws {
        let sample = try SampleDatabase()
        try insert(sample, at: "2026-11-20T10:00:00Z")
        try await sample.rollUp()
        try sample.execute(sql)
        try await sample.rollUp(now: "2026-11-21T00:00:00Z")
        try insert(sample, at: "2026-11-20T11:00:00Z")
        try insert(sample, at: "2026-11-22T10:00:00Z")
        try await sample.rollUp(now: "2026-11-22T12:00:00Z")
        try sample.execute("DELETE FROM model_pricing")
        try price(sample, "alpha")
        try await sample.rollUp(now: "2026-11-23T00:00:00Z")
        try insert(sample, at: "2026-11-22T11:00:00Z")
        try insert(sample, at: "2026-11-23T10:00:00Z")
        try await sample.rollUp(now: "2026-11-24T00:00:00Z")
        #expect(try sample.total("2026-11-20")?.cost == 300_000)
        #expect(try sample.total("2026-11-22")?.cost == 0)
        #expect(try sample.total("2026-11-22")?.unpricedRequests == 2)
        #expect(try sample.total("2026-11-23")?.cost == 1_000_000_000)
        #expect(try await Verification(store: sample.store(), zone: .utc).run().isClean)
    }

    @Test func `the views estimate what is not counted yet as the rollup will`() async throws {
        let sample = try SampleDatabase()
        try await sample.rollUp()  // the prices enter the book
        for output in [0, 5, 15] { try insert(sample, "beta", input: 3, output: output, total: 30) }
        try insert(sample, "gamma")
        let sql = """
            SELECT model, SUM(cost_nanos), SUM(estimated_cost_nanos), SUM(unpriced_requests), SUM(unpriced_tokens)
            FROM usage_daily
            GROUP BY model
            """
        let before = try sample.rows(sql)
        try await sample.rollUp()
        #expect(try sample.rows(sql) == before)
        #expect(try sample.total(model: "beta")?.cost == 327_003)
    }
}
