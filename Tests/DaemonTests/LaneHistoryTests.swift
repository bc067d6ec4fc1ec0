import Foundation
import Scheduling
import TestSupport
import Testing

@testable import Daemon
@testable import Storage

/// Lanes with random schedules, policies, outcomes, pauses, clocks, crashes and restarts, each compared with an oracle that knows the ledger and the
/// clock.
@Suite struct LaneHistoryTests {
    private static let histories = ProcessInfo.processInfo.environment["TALLYD_TEST_LONG"] == "1" ? 1_000 : 25

    private static let expressions = ["*:0/10", "hourly", "*:*:0/20", "02:30", "Mon..Fri 09..17:30", "*:5,25"]

    @Test func `whatever happens to a lane, each slot gets what its policy says, and nothing twice`() async throws {
        let wanted = ProcessInfo.processInfo.environment["TALLYD_TEST_SEED"].flatMap { UInt64($0) }
        let first = wanted ?? .random(in: 0...(.max))
        print("lane histories: TALLYD_TEST_SEED=\(first)")
        var counts: [String: Int] = [:]
        for number in 0..<Self.histories {
            let seed = first &+ UInt64(number)
            let folder = FileManager.default.temporaryDirectory.appending(path: "tallyd-history-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let oracle = try await history(seed, in: folder).live()
            #expect(oracle.complaints == [], "TALLYD_TEST_SEED=\(seed): \(oracle.schedule), \(oracle.policy)")
            if case .all = oracle.policy.missed { expectNoGap(oracle, seed) }
            counts.merge(oracle.counts, uniquingKeysWith: +)
            if !oracle.complaints.isEmpty { break }
        }
        // A history in which nothing happens proves nothing.
        for kind in ["succeeded", "failed", "cancelled", "crashed", "again", "refused", "rested"] {
            #expect(counts[kind, default: 0] > Self.histories / 4, "\(kind): \(counts)")
        }
    }

    private func history(_ seed: UInt64, in folder: URL) async throws -> LaneHistory {
        let store = try Store.creating(path: folder.appending(path: "usage.db").path)
        _ = try await Migrator(store: store).migrate { _ in }
        var random = SplitMix64(seed: seed)
        let start = Instant(milliseconds: Int64.random(in: 1_700_000_000_000...1_900_000_000_000, using: &random))
        return LaneHistory(
            seed: random.next(), schedule: try Self.schedule(&random), policy: Self.policy(&random), start: start,
            steps: 120, store: store)
    }

    private static func schedule(_ random: inout SplitMix64) throws -> Schedule {
        if Bool.random(using: &random) {
            return .every(.milliseconds(Int64.random(in: 1_000...5_000_000, using: &random)))
        }
        let zone = try #require(
            Zone(["UTC", "Europe/Berlin", "America/New_York"].randomElement(using: &random) ?? "UTC"))
        return .calendar(
            try CalendarExpression(parsing: expressions.randomElement(using: &random) ?? "daily", zone: zone))
    }

    private static func policy(_ random: inout SplitMix64) -> Policy {
        let missed: MissedRuns =
            switch Int.random(in: 0...3, using: &random) {
            case 0: .latest
            case 1: .none
            default: .all(cap: 100_000, window: .seconds(86_400 * 3_650))
            }
        let backoff = Backoff(
            first: .milliseconds(Int64.random(in: 10...5_000, using: &random)),
            cap: .milliseconds(Int64.random(in: 5_000...60_000, using: &random)))
        return Policy(
            missed: missed,
            jitter: Jitter(
                job: "job \(random.next())", spread: .milliseconds(Int64.random(in: -500...900, using: &random))),
            retry: Retry(backoff: backoff, attempts: Int.random(in: 1...5, using: &random)))
    }

    /// From the ledger alone: between the first slot and the last there is none that was left out.
    private func expectNoGap(_ oracle: LaneOracle, _ seed: UInt64) {
        let slots = oracle.rows.keys.sorted()
        for (slot, following) in zip(slots, slots.dropFirst())
        where oracle.schedule.next(after: slot)?.instant != following {
            Issue.record("TALLYD_TEST_SEED=\(seed): \(slot) is followed by \(following)")
        }
    }
}
