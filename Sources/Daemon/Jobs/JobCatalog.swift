package import Logging
package import Scheduling
package import Storage

/// Every job that there is: what it is for and when it is due, for people, and how it is done, for the lanes.
package enum JobCatalog {
    /// A job as commands know it, without anything open.
    package struct Entry: Sendable {
        package let name: String
        /// What it does, in a few words.
        package let purpose: String
        package let schedule: @Sendable (Settings) -> Schedule
        /// Whether a change of the database starts it between its slots, too.
        package let isEarly: @Sendable (Settings) -> Bool
    }

    package static let entries = [
        Entry(
            name: RollupJob.name, purpose: "rolls usage_logs up into daily_usage_stats",
            schedule: { .every($0.rollupInterval) }, isEarly: { $0.rollupWake }),
        Entry(
            name: SystemMetricsJob.name, purpose: "stores figures of host, database and gateway",
            schedule: { .every($0.metricsInterval) }, isEarly: { _ in false }),
    ]

    /// What jobs are made from.
    package struct Parts: Sendable {
        package var store: Store
        package var zone: Zone
        package var term: Term
        /// Asked at each look, so that a reload holds from the next one on.
        package var settings: @Sendable () -> Settings
        package var now: @Sendable () -> Instant
        package var monotonic: @Sendable () -> Duration
        package var logger: Logger
        /// How many loops there are, and for how long the one that has been silent longest was.
        package var lives: @Sendable () -> (lanes: Int, oldest: Duration?)

        package init(
            store: Store, zone: Zone, term: Term, settings: @escaping @Sendable () -> Settings,
            now: @escaping @Sendable () -> Instant, monotonic: @escaping @Sendable () -> Duration, logger: Logger,
            lives: @escaping @Sendable () -> (lanes: Int, oldest: Duration?)
        ) {
            self.store = store
            self.zone = zone
            self.term = term
            self.settings = settings
            self.now = now
            self.monotonic = monotonic
            self.logger = logger
            self.lives = lives
        }
    }

    /// In the order of `entries`.
    package static func jobs(_ parts: Parts) -> [Job] {
        let settings = parts.settings
        return [
            RollupJob.make(
                Rollup(store: parts.store, zone: parts.zone, term: parts.term, now: parts.now), store: parts.store,
                schedule: { .every(settings().rollupInterval) },
                spacing: { settings().rollupWake ? settings().rollupSpacing : nil }),
            SystemMetricsJob.make(
                SystemMetrics(store: parts.store, logger: parts.logger), store: parts.store,
                schedule: { .every(settings().metricsInterval) }, monotonic: parts.monotonic, lives: parts.lives),
        ]
    }

    /// What a run of a job would do now, in one sentence. Writes nothing.
    package static func preview(_ job: String, _ store: Store, now: Instant, monotonic: Duration, logger: Logger)
        async throws -> String
    {
        switch job {
        case RollupJob.name:
            let status = try await RollupStatus.read(store)
            if status.lagRows == 0, status.pendingCorrections == 0, status.markedDays.isEmpty {
                return "would find nothing to do"
            }
            return
                "would count \(status.lagRows) rows at most, apply \(status.pendingCorrections) corrections and derive "
                + "\(status.markedDays.count) days anew"
        default:
            let own = OwnFigures(lagRows: 0, lag: nil, lanes: 0, oldestHeartbeat: nil, runs: [:], lockTime: .zero)
            let write = try await SystemMetrics(store: store, logger: logger).measure(
                now: now, monotonic: monotonic, own: own)
            return "would store \(write.rows) rows at least: a first reading has no figures over time"
        }
    }
}

extension Lane {
    /// One run outside of any schedule, for a command that owns the database itself.
    package func runAlone() async -> Report { await perform(Slot(parts.now()), again: false) }
}
