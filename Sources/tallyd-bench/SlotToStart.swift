import Daemon
import Foundation
import Logging
import Scheduling
import Storage
import Synchronization

/// How late jobs start: 20 lanes on one database, each with its claims in the real ledger, from the instant at which the plan says to wake to the
/// first line of the job's work. Every slot is run, however late, so that no late start goes missing.
struct SlotToStart {
    let tools: Tools
    let data: Dataset
    let runs: Int

    private static let lanes = 20
    private static let interval = Duration.milliseconds(500)
    /// For each run of each side.
    private static let starts = 1_000
    private static let usageRows = 100_000

    func measure() async throws -> [Measurement] {
        var results: [Measurement] = []
        for (jitter, name) in [(Self.interval, "stable jitter"), (.zero, "all at one instant")] {
            for besideWriter in [false, true] {
                let side = besideWriter ? "\(name), beside a writer" : name
                var lateness: [[Double]] = []
                for _ in 0..<runs { lateness.append(try await run(jitter, besideWriter: besideWriter)) }
                results += lines("slots of 20 lanes, \(side)", lateness)
            }
        }
        return results
    }

    private func lines(_ scenario: String, _ lateness: [[Double]]) -> [Measurement] {
        func line(_ what: String, _ values: [Double], _ unit: String, _ bound: String? = nil) -> Measurement {
            Measurement(
                scenario: scenario, what: what, value: values.median, unit: unit, spread: values.spread, bound: bound)
        }
        return [
            line("starts", lateness.map { Double($0.count) }, "", "≥ \(Self.starts)"),
            line("slot to start, p50", lateness.map { $0.percentile(50) }, "ms"),
            line("slot to start, p99", lateness.map { $0.percentile(99) }, "ms", "≤ 50"),
            line("slot to start, longest", lateness.map { $0.percentile(100) }, "ms"),
        ]
    }

    /// - Returns: each start's lateness, in milliseconds.
    private func run(_ jitter: Duration, besideWriter: Bool) async throws -> [Double] {
        let path = try data.copy(rows: Self.usageRows, name: "slots", migrated: true)
        let store = try Store(path: path)
        let ownership = try await Ownership.take(store, command: "tallyd-bench", now: Self.now())
        let starts = Starts(wanted: Self.starts)
        let ledger = JobLedger(store: store, term: ownership.term)
        let lanes = (1...Self.lanes).map { lane($0, jitter, store, ledger, starts) }
        if besideWriter {
            try await GatewayView.startWriter(tools, path).beside {
                try await Task.sleep(for: .seconds(2))
                try await Self.run(lanes, until: starts)
            }
        } else {
            try await Self.run(lanes, until: starts)
        }
        return starts.milliseconds
    }

    private static func run(_ lanes: [Lane], until starts: Starts) async throws {
        starts.begin()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for lane in lanes { group.addTask { try await lane.run() } }
            while !starts.isComplete { try await Task.sleep(for: .milliseconds(100)) }
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    /// A small job: one read of a value, and it leaves its two writes in the ledger as every job does.
    private func lane(_ number: Int, _ jitter: Duration, _ store: Store, _ ledger: JobLedger, _ starts: Starts) -> Lane
    {
        let name = "job-\(number)"
        let policy = Policy(
            missed: .all(cap: 1_000, window: .seconds(3_600)), jitter: Jitter(job: name, spread: jitter))
        let job = Job(
            name: name, schedule: { .every(Self.interval) }, policy: { policy },
            body: .steps(
                hasWork: { true },
                perform: { context in
                    let delay = Int64(policy.jitter.offset / .milliseconds(1))
                    let wake = Instant(milliseconds: context.slot.instant.milliseconds + delay)
                    starts.note(wake)
                    _ = try await store.answers()
                    return JobOutcome(rows: 1, message: "done", messageID: "0")
                }))
        return Lane(
            job,
            Lane.Parts(
                ledger: ledger, longestWait: { .seconds(10) }, now: Self.now,
                monotonic: { .nanoseconds(Int64(monotonicNanoseconds())) }, standing: {}, beat: {}, report: { _ in }),
            database: store.path, logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() })
    }

    private static func now() -> Instant { Instant(milliseconds: Int64(wallNanoseconds() / 1_000_000)) }

    private static func wallNanoseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    private final class Starts: Sendable {
        private let wanted: Int
        private let state = Mutex((began: UInt64.max, lateness: [Double]()))

        init(wanted: Int) {
            self.wanted = wanted
        }

        func begin() { state.withLock { $0.began = SlotToStart.wallNanoseconds() } }

        /// A new job's first slot is one that had passed before: no start that could have been in time.
        func note(_ wake: Instant) {
            let now = Double(SlotToStart.wallNanoseconds()) / 1e6
            let due = Double(wake.milliseconds)
            state.withLock { if due * 1e6 > Double($0.began) { $0.lateness.append(now - due) } }
        }

        var isComplete: Bool { state.withLock { $0.lateness.count } >= wanted }
        var milliseconds: [Double] { state.withLock { $0.lateness } }
    }
}
