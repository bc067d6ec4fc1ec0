import GRDB
import Scheduling
import TestSupport
import Testing

/// The views turn dollars into nano-dollars in SQL, the rollup does it in Swift.
@Suite struct `Rollup money` {
    @Test func `Swift and SQLite round a hundred thousand seeded costs to the same nano-dollars`() throws {
        var random = SplitMix64(seed: 61)
        var costs: [Double] = [
            0, 1_000_000, 0.000_000_000_5, 0.000_000_001_5, 0.000_000_002_5, 1e-300, 999_999.999_999_999,
        ]
        for _ in 0..<25_000 {
            costs.append(Double.random(in: 0...1_000_000, using: &random))
            costs.append(Double.random(in: 0...0.01, using: &random))
            // halves of a nano-dollar, and their neighbours
            let tie = (Double(Int64.random(in: 0...1_000_000_000, using: &random)) + 0.5) / 1e9
            costs.append(tie)
            costs.append(Bool.random(using: &random) ? tie.nextUp : tie.nextDown)
        }
        let dollars = costs
        try DatabaseQueue().read { db in
            let statement = try db.makeStatement(sql: "SELECT CAST(ROUND(?1 * 1e9) AS INTEGER)")
            for cost in dollars {
                let nanos = try Int64.fetchOne(statement, arguments: [cost])
                if nanos != Money.nanos(dollars: cost) {
                    Issue.record(
                        "\(cost): SQLite \(String(describing: nanos)), Swift \(String(describing: Money.nanos(dollars: cost)))"
                    )
                }
            }
        }
    }
}
