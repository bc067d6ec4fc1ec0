import Foundation
import GRDB
import Scheduling
import Storage
import Testing

@Suite struct `Usage reports` {
    private func prepared() async throws -> (SampleDatabase, Oracle) {
        let sample = try SampleDatabase()
        var oracle = Oracle()
        try sample.fill(300, seed: 111, into: &oracle)
        try await sample.rollUp()
        try sample.fill(60, seed: 112, into: &oracle)  // the uncounted tail
        return (sample, oracle)
    }

    private func range(_ from: String, _ to: String) throws -> ClosedRange<Day> {
        try #require(Day(from))...(try #require(Day(to)))
    }

    private func expect(
        _ line: UsageReport.Line, _ totals: [Oracle.Key: Oracle.Total], _ name: (Oracle.Key) -> Bool = { _ in true }
    ) {
        var sum = Oracle.Total()
        for (key, total) in totals where name(key) {
            sum.requests += total.requests
            sum.failures += total.failures
            sum.input += total.input
            sum.output += total.output
            sum.tokens += total.tokens
            sum.cost += total.cost
            sum.estimated += total.estimated
            sum.unpricedRequests += total.unpricedRequests
            sum.unpricedTokens += total.unpricedTokens
            sum.latencySum += total.latencySum
            sum.latencyMax = max(sum.latencyMax, total.latencyMax)
        }
        #expect(line.requests == sum.requests && line.failures == sum.failures, "\(line.key)")
        #expect(line.inputTokens == sum.input && line.outputTokens == sum.output, "\(line.key)")
        #expect(line.totalTokens == sum.tokens && line.unpricedTokens == sum.unpricedTokens, "\(line.key)")
        #expect(line.unpricedRequests == sum.unpricedRequests, "\(line.key)")
        #expect(Decimal(string: "\(line.cost.nanos)") == sum.cost, "\(line.key)")
        #expect(Decimal(string: "\(line.estimatedCost.nanos)") == sum.estimated, "\(line.key)")
        #expect(line.maxLatencyMilliseconds == sum.latencyMax, "\(line.key)")
        #expect(line.averageLatencyMilliseconds == Double(sum.latencySum) / Double(max(1, sum.requests)), "\(line.key)")
    }

    @Test(arguments: UsageReport.Grouping.allCases)
    func `lines and total are what the rows of the range add up to`(grouping: UsageReport.Grouping) async throws {
        let (sample, oracle) = try await prepared()
        for (from, to) in [("2026-11-10", "2026-11-20"), ("2026-11-12", "2026-11-12"), ("0000-01-01", "9999-12-31")] {
            let totals = oracle.totals().filter { from <= $0.key.date && $0.key.date <= to }
            let report = try await UsageReport.read(sample.store(), range(from, to), by: grouping)
            func name(_ key: Oracle.Key) -> String {
                switch grouping {
                case .day: key.date
                case .model: key.model
                case .user: key.user
                }
            }
            #expect(Set(report.lines.map(\.key)) == Set(totals.keys.map(name)))
            #expect(report.lines.count == Set(totals.keys.map(name)).count)
            for line in report.lines { expect(line, totals) { name($0) == line.key } }
            expect(report.total, totals)
        }
    }

    @Test func `days come in order, models and users the dearest first`() async throws {
        let (sample, _) = try await prepared()
        let month = try range("2026-11-01", "2026-11-30")
        let days = try await UsageReport.read(sample.store(), month, by: .day).lines.map(\.key)
        #expect(days == days.sorted())
        for grouping in [UsageReport.Grouping.model, .user] {
            let costs = try await UsageReport.read(sample.store(), month, by: grouping).lines.map(\.cost)
            #expect(costs == costs.sorted(by: >))
        }
    }

    @Test func `a user or a model narrows every line`() async throws {
        let (sample, oracle) = try await prepared()
        let month = try range("2026-11-01", "2026-11-30")
        let user = try await UsageReport.read(sample.store(), month, by: .model, user: "user 2")
        expect(user.total, oracle.totals()) { $0.user == "user 2" }
        let model = try await UsageReport.read(sample.store(), month, by: .day, model: "gamma")
        expect(model.total, oracle.totals()) { $0.model == "gamma" }
        let both = try await UsageReport.read(sample.store(), month, by: .user, user: "user 2", model: "gamma")
        expect(both.total, oracle.totals()) { $0.user == "user 2" && $0.model == "gamma" }
        let nobody = try await UsageReport.read(sample.store(), month, by: .day, user: "' OR 1 = 1 --")
        #expect(nobody.lines.isEmpty && nobody.total.requests == 0)
    }

    @Test func `percentiles of days and models are within 2 % of the exact ones of what is counted`() async throws {
        let sample = try SampleDatabase()
        var oracle = Oracle()
        try sample.fill(400, seed: 113, into: &oracle)
        try await sample.rollUp()
        let month = try range("2026-11-01", "2026-11-30")
        func expectPercentiles(_ line: UsageReport.Line, _ latencies: [Int64]) throws {
            let ordered = latencies.sorted()
            let found = try #require(line.latencyPercentiles)
            #expect(found.count == 3)
            for (share, value) in zip([0.5, 0.95, 0.99], found) {
                let exact = Double(ordered[max(1, Int((share * Double(ordered.count)).rounded(.up))) - 1])
                #expect(abs(value - exact) <= 0.02 * exact)
            }
        }
        let models = try await UsageReport.read(sample.store(), month, by: .model)
        for line in models.lines {
            try expectPercentiles(line, oracle.rows.values.filter { $0.model == line.key }.map(\.latency))
        }
        try expectPercentiles(models.total, oracle.rows.values.map(\.latency))
        let days = try await UsageReport.read(sample.store(), month, by: .day)
        for line in days.lines {
            try expectPercentiles(line, oracle.rows.values.filter { $0.date == line.key }.map(\.latency))
        }
        let users = try await UsageReport.read(sample.store(), month, by: .user)
        #expect(users.lines.allSatisfy { $0.latencyPercentiles == nil })
    }

    @Test func `a range without usage has no lines and a total of nothing`() async throws {
        let sample = try SampleDatabase()
        let report = try await UsageReport.read(sample.store(), range("2026-01-01", "2026-01-31"), by: .model)
        #expect(report.lines.isEmpty)
        #expect(report.total.requests == 0 && report.total.cost == Money(nanos: 0))
        #expect(report.total.averageLatencyMilliseconds == 0)
    }
}
