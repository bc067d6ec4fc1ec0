import Logging
import Scheduling
import Storage

/// The job that takes a reading of host, database, gateway and tallyd, and stores it in the contract's table system_metrics.
enum SystemMetricsJob {
    static let name = "system_metrics"

    /// - Parameters:
    ///   - lanes: how many there are.
    ///   - silence: for how long the loop that has been silent longest was; nil where nothing beats.
    static func make(
        _ metrics: SystemMetrics, store: Store, schedule: @escaping @Sendable () -> Schedule,
        monotonic: @escaping @Sendable () -> Duration,
        lanes: Int, silence: @escaping @Sendable () -> Duration?
    ) -> Job {
        let own = OwnReading(store: store)
        return Job(
            name: name, schedule: schedule,
            // A reading belongs to its moment: one that failed is followed by the next slot's, and none is made up for.
            policy: { Policy(missed: .latest) },
            body: .measurement { context in
                try await metrics.measure(
                    now: context.now, monotonic: monotonic(),
                    own: try await own.figures(now: context.now, lanes: lanes, silence: silence()))
            })
    }

    /// What a run would do now. Writes nothing.
    static func preview(_ look: JobCatalog.Look) async throws -> String {
        let own = OwnFigures(lagRows: 0, lag: nil, lanes: 0, oldestHeartbeat: nil, runs: [:], lockTime: .zero)
        let write = try await SystemMetrics(store: look.store, logger: look.logger).measure(
            now: look.now, monotonic: look.monotonic, own: own)
        return "would store \(write.rows) rows at least: a first reading has no figures over time"
    }

    /// What the program knows of itself, between two readings.
    private actor OwnReading {
        private let store: Store
        private var since: Instant?
        private var held: UInt64 = 0

        init(store: Store) {
            self.store = store
        }

        func figures(now: Instant, lanes: Int, silence: Duration?) async throws -> OwnFigures {
            let status = try await RollupStatus.read(store)
            let runs = try await JobLedger(store: store).outcomes(since: since ?? now)
            let total = store.writer.totals.holdNanoseconds
            let lock = Duration.nanoseconds(Int64(total - held))
            held = total
            since = now
            let lag: Duration? =
                status.lagRows == 0
                ? .zero
                : status.oldestUncounted.map { .milliseconds(max(0, now.milliseconds - $0.milliseconds)) }
            return OwnFigures(
                lagRows: status.lagRows, lag: lag, lanes: lanes, oldestHeartbeat: silence, runs: runs,
                lockTime: lock)
        }
    }
}
