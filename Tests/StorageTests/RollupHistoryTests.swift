import Foundation
import Testing

/// Random histories on the real code and a real file, against the oracle: rows that are late, odd, corrected, moved and removed at every
/// place where the rollup lets go of the database, days sealed and purged, users erased, and all of it cut short in the middle of any statement.
@Suite struct `Rollup histories` {
    @Test func `no history of inserts, corrections, removals, purges, erasures and failures gives a wrong total`()
        async throws
    {
        let count = Suite.histories
        let base = Suite.seed
        // Two at a time: one core each.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for lane in 0..<2 {
                group.addTask {
                    for number in stride(from: lane, to: count, by: 2) {
                        try await RollupHistory(seed: base &+ UInt64(number)).run()
                        if number % 5_000 == 4_999 { print("rollup histories: \(number + 1) begun") }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    enum Suite {
        /// 300 in CI, 100,000 in the long suite.
        static var histories: Int {
            let environment = ProcessInfo.processInfo.environment
            if let count = environment["TALLYD_TEST_HISTORIES"].flatMap(Int.init) { return count }
            return environment["TALLYD_TEST_LONG"] == "1" ? 100_000 : 300
        }

        static let seed: UInt64 = {
            let given = ProcessInfo.processInfo.environment["TALLYD_TEST_SEED"].flatMap(UInt64.init)
            let seed = given ?? UInt64.random(in: 0..<1_000_000_000)
            print("rollup histories: first seed \(seed); TALLYD_TEST_SEED=N repeats")
            return seed
        }()
    }
}
