import Foundation
import Testing

/// Random histories of the outbox on the real code and a real file, against plain dictionaries.
@Suite struct `Outbox histories` {
    @Test func `no history of events, changes, attempts, replays and failures loses an event or settles one twice`()
        async throws
    {
        let environment = ProcessInfo.processInfo.environment
        let count =
            environment["TALLYD_TEST_HISTORIES"].flatMap(Int.init)
            ?? (environment["TALLYD_TEST_LONG"] == "1" ? 20_000 : 200)
        let seed =
            environment["TALLYD_TEST_SEED"].flatMap(UInt64.init) ?? UInt64.random(in: 0..<1_000_000_000)
        print("outbox histories: first seed \(seed); TALLYD_TEST_SEED=N repeats")
        let began = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            // Two at a time: one core each.
            for lane in 0..<2 {
                group.addTask {
                    for number in stride(from: lane, to: count, by: 2) {
                        try await OutboxHistory(seed: seed &+ UInt64(number)).run()
                    }
                }
            }
            try await group.waitForAll()
        }
        print("outbox histories: \(count) in \(ContinuousClock.now - began)")
    }
}
