import Foundation
package import Logging
package import Scheduling
import ServiceLifecycle
import Storage
package import Systemd
import UnixSignals
import Webhooks

/// The daemon: the map of its services, in the order of dependence, and what has to be done before they run.
package struct Daemon: Sendable {
    /// What comes from outside the process. Tests bring their own.
    package struct Surroundings: Sendable {
        package var environment: [String: String]
        package var notifier: any ServiceNotifier
        package var logger: Logger
        /// Where the settings can be read again; nil where nothing is reloaded.
        package var origin: SettingsOrigin?
        /// The log level of the process, for a reload to change.
        package var logThreshold: LogThreshold?
        /// The wall clock, for slots, days and timestamps.
        package var now: @Sendable () -> Instant
        /// CLOCK_MONOTONIC, for measuring. It stands still while the machine sleeps, so that nothing looks late on waking.
        package var monotonic: @Sendable () -> Duration

        package init(
            environment: [String: String], notifier: any ServiceNotifier, logger: Logger,
            origin: SettingsOrigin? = nil, logThreshold: LogThreshold? = nil,
            now: @escaping @Sendable () -> Instant,
            monotonic: @escaping @Sendable () -> Duration = { .nanoseconds(Int64(MonotonicClock.nanoseconds())) }
        ) {
            self.environment = environment
            self.notifier = notifier
            self.logger = logger
            self.origin = origin
            self.logThreshold = logThreshold
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

    /// Opens the database, waits its turn, migrates, and serves until SIGTERM or SIGINT, or until the task is cancelled.
    ///
    /// - Throws: `StorageError` for whatever keeps it from serving; `SettingsError` for a program that a setting names and that can't be run. It has
    ///   then been logged nowhere: that is the caller's to do.
    package func run() async throws {
        try settings.checkNeeds()
        let store = try Store(path: settings.database, pace: settings.pace)
        let zone = try settings.zone
        let pulse = Pulse(outside)
        try pulse.start()
        defer { pulse.stop() }
        guard let ownership = try await Beginning(outside: outside).untilStopped({ try await begin(store, pulse) })
        else { return }
        if ownership.crashedRuns > 0 {
            outside.logger.warning(
                "found runs that a crash had cut; their jobs go on where they were",
                metadata: ["message_id": "\(MessageID.crashFound)", "runs": "\(ownership.crashedRuns)"])
        }
        try await serve(store, zone: zone, ownership, pulse)
    }

    /// Waits its turn, migrates, and takes the term.
    private func begin(_ store: Store, _ pulse: Pulse) async throws -> Ownership {
        let waiting = pulse.register("standby")
        let standby = Standby(
            database: settings.database, command: command, outside: outside, beat: waiting.beat)
        let lock = try await standby.wait()
        // A migration has no loop to beat; until READY=1 the manager's patience is asked for with EXTEND_TIMEOUT_USEC.
        waiting.retire()
        return try await Beginning(outside: outside).whateverHoldsTheLock {
            try await migrate(store)
            try await store.checkShape()
            return try await Ownership.take(store, lock: lock, command: command, now: outside.now())
        }
    }

    private var command: String { settings.webhooks.isOn ? Ownership.run : Ownership.runWithoutWebhooks }

    private func migrate(_ store: Store) async throws {
        let migrator = Migrator(store: store)
        guard try await !migrator.status().isCurrent else { return }
        outside.notifier.notify([.status("migrating the database")])
        let (outside, faults) = (outside, settings.faults)
        let names = try await migrator.migrate { name in
            faults.slowDownMigration { outside.notifier.notify([.extendTimeout(.seconds(10))]) }
            outside.notifier.notify([.status("running migration \(name)"), .extendTimeout(.seconds(300))])
        }
        outside.logger.notice(
            "migrated the database",
            metadata: ["message_id": "\(MessageID.migrated)", "migrations": "\(names.joined(separator: " "))"])
    }

    // MARK: Serving

    /// The map: services in the order of dependence.
    private func serve(_ store: Store, zone: Zone, _ ownership: Ownership, _ pulse: Pulse) async throws {
        let status = StatusLine(notifier: outside.notifier, store: store)
        let live = LiveSettings(settings)
        let jobs = JobCatalog.jobs(
            JobCatalog.Parts(
                store: store, zone: zone, term: ownership.term, settings: { live.current }, now: outside.now,
                monotonic: outside.monotonic, logger: outside.logger, silence: pulse.longestSilence))
        let delivers = settings.webhooks.isOn
        let readiness = Readiness(loops: jobs.count + 1 + (delivers ? 1 : 0) + LiveControl.serviceCount) { [outside] in
            outside.notifier.notify([.ready])
            outside.logger.notice(
                "ready", metadata: ["message_id": "\(MessageID.started)", "sqlite": "\(Store.sqliteVersion)"])
        }
        let ledger = JobLedger(store: store, term: ownership.term)
        let probe = StoreProbe(
            store: store, longestWait: pulse.longestWait, heartbeat: pulse.register("store"),
            standing: readiness.arrive, logger: outside.logger, monotonic: outside.monotonic)
        let lanes = jobs.map { job in
            let heartbeat = pulse.register(job.name)
            return Lane(
                job,
                Lane.Parts(
                    ledger: ledger, longestWait: pulse.longestWait, now: outside.now, monotonic: outside.monotonic,
                    standing: readiness.arrive, beat: settings.faults.beat(heartbeat.beat, lane: job.name),
                    report: { report in await status.update(job.name, report) }),
                database: store.path, logger: outside.logger)
        }
        await status.show(nextOf: lanes)
        let webhooks =
            try delivers
            ? delivery(store, ownership, pulse, live, standing: readiness.arrive) { await status.update(webhooks: $0) }
            : nil
        live.observe { _ in
            for lane in lanes { lane.lookAgain() }
            webhooks?.lookAgain()
        }
        let control = LiveControl(
            live, outside, store: store, handlers: { $0.with(lanes) }, standing: readiness.arrive)
        if !delivers {
            outside.logger.notice(
                "webhooks are queued and not delivered", metadata: ["reason": "TALLYD_WEBHOOKS is off"])
        }
        outside.logger.info(
            "starting",
            metadata: [
                "database": "\(store.path)", "zone": "\(zone)",
                "jobs": "\(jobs.map { "\($0.name) \($0.schedule())" }.joined(separator: ", "))",
            ])
        // Each is stopped once those behind it have ended: the manager is told first, and who asked over the socket for a run hears how it ended.
        let lease = LeaseGuard(lock: ownership.lock, isWell: pulse.isWell, logger: outside.logger)
        let services: [any Service] =
            [probe, lease] + control.services + lanes + [webhooks].compactMap(\.self)
            + [StopNotice(notifier: outside.notifier)]
        var configuration = ServiceGroupConfiguration(
            services: services.map { .init(service: $0) },
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

    private func delivery(
        _ store: Store, _ ownership: Ownership, _ pulse: Pulse, _ live: LiveSettings,
        standing: @escaping @Sendable () -> Void, report: @escaping @Sendable (Int) async -> Void
    ) throws -> WebhookDelivery {
        let (writing, atLeisure) = (pulse.register("webhooks"), pulse.register("webhooks at leisure"))
        let sending = pulse.register("webhooks sending")
        do throws(Defect) {
            return try WebhookDelivery(
                WebhookDelivery.Parts(
                    store: store, term: ownership.term, settings: { live.current.webhooks },
                    longestWait: pulse.longestWait, now: outside.now, monotonic: outside.monotonic,
                    logger: outside.logger, standing: standing, report: report,
                    beats: (settings.faults.beat(writing.beat, lane: "webhooks"), atLeisure.beat, sending.beat)))
        } catch {
            throw SettingsError(problems: ["the webhooks' TLS files: \(error)"], listing: settings.listing)
        }
    }
}
