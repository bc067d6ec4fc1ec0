import Foundation
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
        /// What a run would do now, in one sentence. Writes nothing.
        package let preview: @Sendable (Look) async throws -> String
    }

    private static let rollup = Entry(
        name: RollupJob.name, purpose: "rolls usage_logs up into daily_usage_stats",
        schedule: { .every($0.rollupInterval) }, isEarly: \.rollupWake, preview: RollupJob.preview)
    private static let systemMetrics = Entry(
        name: SystemMetricsJob.name, purpose: "stores figures of host, database and gateway",
        schedule: { .every($0.metricsInterval) }, isEarly: { _ in false }, preview: SystemMetricsJob.preview)

    private static let retention = Entry(
        name: RetentionJob.name, purpose: "seals days and removes what is old enough",
        schedule: { settings in settings.retention.schedule.schedule(in: (try? settings.zone) ?? .utc) },
        isEarly: { _ in false }, preview: RetentionJob.preview)

    package static let entries = [rollup, systemMetrics, retention]

    /// What a preview looks at, and when.
    package struct Look: Sendable {
        package let store: Store
        package let zone: Zone
        package let settings: Settings
        package let now: Instant
        package let monotonic: Duration
        package let logger: Logger

        package init(
            store: Store, zone: Zone, settings: Settings, now: Instant, monotonic: Duration, logger: Logger
        ) {
            self.store = store
            self.zone = zone
            self.settings = settings
            self.now = now
            self.monotonic = monotonic
            self.logger = logger
        }
    }

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
        /// For how long the loop that has been silent longest was; nil where nothing beats.
        package var silence: @Sendable () -> Duration?

        package init(
            store: Store, zone: Zone, term: Term, settings: @escaping @Sendable () -> Settings,
            now: @escaping @Sendable () -> Instant, monotonic: @escaping @Sendable () -> Duration, logger: Logger,
            silence: @escaping @Sendable () -> Duration?
        ) {
            self.store = store
            self.zone = zone
            self.term = term
            self.settings = settings
            self.now = now
            self.monotonic = monotonic
            self.logger = logger
            self.silence = silence
        }
    }

    /// In the order of `entries`.
    package static func jobs(_ parts: Parts) -> [Job] {
        let settings = parts.settings
        return [
            RollupJob.make(
                Rollup(store: parts.store, zone: parts.zone, term: parts.term, now: parts.now), store: parts.store,
                schedule: { rollup.schedule(settings()) }, missed: { settings().rollupMissedRuns.policy },
                spacing: { rollup.isEarly(settings()) ? settings().rollupSpacing : nil }),
            SystemMetricsJob.make(
                SystemMetrics(store: parts.store, logger: parts.logger), store: parts.store,
                schedule: { systemMetrics.schedule(settings()) }, monotonic: parts.monotonic, lanes: entries.count,
                silence: parts.silence),
            RetentionJob.make(
                parts.store, zone: parts.zone, term: parts.term, settings: settings,
                schedule: { retention.schedule(settings()) },
                handover: { $0.archiveHandover(monotonic: parts.monotonic, logger: parts.logger) }),
        ]
    }
}

extension Lane {
    /// One run outside of any schedule, for a command that owns the database itself.
    package func runAlone() async -> Report { await perform(Slot(parts.now()), again: false) }
}
