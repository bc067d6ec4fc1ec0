import Foundation
package import Logging
package import Scheduling
import ServiceLifecycle
import Storage
package import Systemd
import UnixSignals

/// The daemon: the map of its services, in the order of dependence, and what has to be done before they run.
package struct Daemon: Sendable {
    /// What comes from outside the process. Tests bring their own.
    package struct Surroundings: Sendable {
        package var environment: [String: String]
        package var notifier: any ServiceNotifier
        package var logger: Logger
        /// The wall clock, for slots, days and timestamps.
        package var now: @Sendable () -> Instant
        /// CLOCK_MONOTONIC, for measuring. It stands still while the machine sleeps, so that nothing looks late on waking.
        package var monotonic: @Sendable () -> Duration

        package init(
            environment: [String: String], notifier: any ServiceNotifier, logger: Logger,
            now: @escaping @Sendable () -> Instant,
            monotonic: @escaping @Sendable () -> Duration = { .nanoseconds(Int64(MonotonicClock.nanoseconds())) }
        ) {
            self.environment = environment
            self.notifier = notifier
            self.logger = logger
            self.now = now
            self.monotonic = monotonic
        }
    }

    private let settings: Settings
    private let outside: Surroundings

    package init(_ settings: Settings, _ surroundings: Surroundings) {
        self.settings = settings
        outside = surroundings
    }

    /// Opens and migrates the database, waits its turn, and serves until SIGTERM or SIGINT, or until the task is cancelled.
    ///
    /// - Throws: `StorageError` for whatever keeps it from serving. It has then been logged nowhere: that is the caller's to do.
    package func run() async throws {
        let store = try Store(path: settings.database, pace: settings.pace)
        let zone = try settings.zone
        guard let lock = try await standBy() else { return }
        try await migrate(store)
        try await store.checkShape()
        let ownership = try await Ownership.take(store, lock: lock, command: "tallyd run", now: outside.now())
        if ownership.crashedRuns > 0 {
            outside.logger.warning(
                "found runs that a crash had cut; the rollup goes on where they were",
                metadata: ["message_id": "\(MessageID.crashFound)", "runs": "\(ownership.crashedRuns)"])
        }
        try await serve(store, zone: zone, ownership)
    }

    // MARK: Before

    /// Waits until no other tallyd counts in this database. Nil when asked to stop meanwhile.
    private func standBy() async throws -> OwnerLock? {
        var isSaid = false
        while !Task.isCancelled {
            do {
                return try Ownership.lock(settings.database, command: "tallyd run")
            } catch let error as StorageError where error.kind == .ownedByAnother {
                if !isSaid {
                    outside.logger.notice(
                        "standing by: another tallyd counts in this database", metadata: ["holder": "\(error.cause)"])
                    // A standby is a service in good order: ready to take over.
                    outside.notifier.notify([.ready, .status("standing by: \(error.cause)")])
                    isSaid = true
                }
                try? await Task.sleep(for: .milliseconds(500))
            }
        }
        return nil
    }

    private func migrate(_ store: Store) async throws {
        let migrator = Migrator(store: store)
        guard try await !migrator.status().isCurrent else { return }
        outside.notifier.notify([.status("migrating the database")])
        let outside = outside
        let names = try await migrator.migrate { name in
            outside.notifier.notify([.status("running migration \(name)"), .extendTimeout(.seconds(300))])
        }
        outside.logger.notice(
            "migrated the database",
            metadata: ["message_id": "\(MessageID.migrated)", "migrations": "\(names.joined(separator: " "))"])
    }

    // MARK: Serving

    /// The map: services in the order of dependence.
    private func serve(_ store: Store, zone: Zone, _ ownership: Ownership) async throws {
        let watchdog = Watchdog(environment: outside.environment, processID: getpid())
        let window = watchdog?.window ?? .seconds(60)
        let heartbeats = Heartbeats(monotonic: outside.monotonic)
        let status = StatusLine(notifier: outside.notifier, store: store)
        let readiness = Readiness(loops: 2) { [outside] in
            outside.notifier.notify([.ready])
            outside.logger.notice(
                "ready", metadata: ["message_id": "\(MessageID.started)", "sqlite": "\(Store.sqliteVersion)"])
        }
        let probe = StoreProbe(
            store: store, every: window / 6, heartbeat: heartbeats.register("store", allowedAge: window / 2),
            standing: readiness.arrive)
        let lane = rollupLane(
            store, zone, ownership, heartbeats.register("rollup", allowedAge: window / 2), longestWait: window / 6,
            status, readiness)
        let pinger = watchdog.map {
            WatchdogPinger(
                watchdog: $0, heartbeats: heartbeats, notifier: outside.notifier, logger: outside.logger,
                monotonic: outside.monotonic, lateFields: ["message_id": "\(MessageID.loopLate)"])
        }
        try pinger?.start()
        defer { pinger?.stop() }
        outside.logger.info(
            "starting",
            metadata: [
                "database": "\(store.path)", "zone": "\(zone)",
                "interval": "\(DurationText.format(settings.rollupInterval))",
            ])

        var configuration = ServiceGroupConfiguration(
            services: [
                .init(service: StopNotice(notifier: outside.notifier)),
                .init(service: probe),
                .init(service: lane),
            ],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: outside.logger)
        // A bite takes milliseconds; what has not ended by then hangs, and is cut, which loses nothing.
        configuration.maximumGracefulShutdownDuration = .milliseconds(800)
        do {
            try await ServiceGroup(configuration: configuration).run()
        } catch {
            outside.notifier.notify([.status("stopping: \(error)")])
            throw error
        }
        outside.logger.notice("stopped", metadata: ["message_id": "\(MessageID.stopped)"])
    }

    private func rollupLane(
        _ store: Store, _ zone: Zone, _ ownership: Ownership, _ heartbeat: Heartbeat, longestWait: Duration,
        _ status: StatusLine,
        _ readiness: Readiness
    ) -> RollupLane {
        RollupLane(
            RollupLane.Parts(
                rollup: Rollup(store: store, zone: zone, term: ownership.term, now: outside.now),
                ledger: JobLedger(store: store, term: ownership.term),
                schedule: .every(settings.rollupInterval),
                spacing: settings.rollupWake ? settings.rollupSpacing : nil,
                longestWait: longestWait,
                now: outside.now,
                standing: readiness.arrive,
                beat: heartbeat.beat,
                report: { report in await status.update(report) }),
            store: store, logger: outside.logger)
    }
}
