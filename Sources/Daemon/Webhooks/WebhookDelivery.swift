import Foundation
package import Logging
package import Scheduling
import ServiceLifecycle
package import Storage
import Synchronization
import WebhookClient
package import Webhooks

/// The service that delivers webhooks, for as long as the daemon runs.
package final class WebhookDelivery: Service {
    package typealias Beats = (
        writing: @Sendable () -> Void, atLeisure: @Sendable () -> Void, sending: @Sendable () -> Void
    )

    package struct Parts: Sendable {
        package var store: Store
        package var term: Term?
        package var settings: @Sendable () -> WebhookSettings
        /// The longest that a wait which begins now may last, so that the watchdog sees the loops alive.
        package var longestWait: @Sendable () -> Duration
        package var now: @Sendable () -> Instant
        package var monotonic: @Sendable () -> Duration
        package var logger: Logger
        package var standing: @Sendable () -> Void
        /// Told how many deliveries wait in memory or are under way, once a second at most, when that has changed.
        package var report: @Sendable (Int) async -> Void
        /// Of the loop that writes, of the one that writes at leisure, and of the one that sends.
        package var beats: Beats

        package init(
            store: Store, term: Term?, settings: @escaping @Sendable () -> WebhookSettings,
            longestWait: @escaping @Sendable () -> Duration,
            now: @escaping @Sendable () -> Instant, monotonic: @escaping @Sendable () -> Duration, logger: Logger,
            standing: @escaping @Sendable () -> Void, report: @escaping @Sendable (Int) async -> Void = { _ in },
            beats: Beats
        ) {
            self.store = store
            self.term = term
            self.settings = settings
            self.longestWait = longestWait
            self.now = now
            self.monotonic = monotonic
            self.logger = logger
            self.standing = standing
            self.report = report
            self.beats = beats
        }
    }

    private let parts: Parts
    private let client: ClientWhenNeeded
    private let outbox: Outbox
    private let dispatcher: Dispatcher
    private let writing = WakeSignal()
    private let leisure = WakeSignal()
    private let sending = WakeSignal()
    private let stop = StopFlag()
    private let leisureIsOver = StopFlag()

    /// Between two looks for events where the database's log can't be watched, which otherwise wakes the service within milliseconds of a commit.
    private static let slowPoll = Duration.seconds(1)
    /// Between two looks for events that found none, while others commit all the time.
    private static let spacing = Duration.milliseconds(4)
    /// Looks after a wake that finds nothing. The watch tells of the first write to the log, and the commit is to be seen only after its last one, and
    /// after an fsync where the gateway asks for that.
    private static let laterLooks: [Duration] = [4, 4, 8, 16, 32, 64, 128].map { .milliseconds($0) }
    /// For so long outcomes gather that are written at leisure: those of attempts that began together and hang end together.
    private static let gathering = Duration.milliseconds(50)
    private static let reportsEvery = Duration.seconds(1)
    private static let ownAddressesEvery = Duration.seconds(60)

    /// - Throws: `Defect`, for a PEM file that the settings name and that can't be read.
    package init(_ parts: Parts) throws(Defect) {
        self.parts = parts
        let settings = parts.settings()
        let configuration = settings.client
        client = ClientWhenNeeded { [configuration, settings = parts.settings] () throws(Defect) in
            let own = OwnAddressCache(every: Self.ownAddressesEvery)
            return try WebhookClient(configuration, resolver: SystemResolver()) {
                let settings = settings()
                return AddressPolicy(allowed: settings.allowed, denied: settings.denied, own: own.current)
            }
        }
        // Files that can't be read are to be told of at the start.
        if settings.authorities != nil || settings.clientCertificate != nil { _ = try client.get() }
        var logger = parts.logger
        logger[metadataKey: "job"] = "webhooks"
        let capacity = Self.capacity(settings, kept: configuration.mostIdle * settings.endpointInFlight, logger)
        outbox = Outbox(store: parts.store, term: parts.term)
        dispatcher = Dispatcher(
            Dispatcher.Parts(
                settings: parts.settings, now: parts.now, monotonic: parts.monotonic, logger: logger, capacity: capacity
            ))
    }

    /// What may be under way together: what the settings say, if the process may have so many files open.
    ///
    /// - Parameter kept: connections that may be kept for later beside those.
    private static func capacity(_ settings: WebhookSettings, kept: Int, _ logger: Logger) -> Int {
        let wanted = settings.inFlight
        // Of attempts, those over http are the most that can be.
        let most = max(1, wanted / AttemptWeight.overHTTP)
        let needed = OpenFiles.needed(inFlight: most, kept: kept)
        let allowed = OpenFiles.allow(needed)
        let possible = OpenFiles.inFlight(most, kept: kept, allowed: allowed)
        guard possible < most else { return wanted }
        let capacity = possible * AttemptWeight.overHTTP
        logger.warning(
            "fewer webhooks can be under way at once than TALLYD_WEBHOOK_IN_FLIGHT says: the process may have too few files open",
            metadata: [
                "in_flight": "\(capacity)", "wanted": "\(wanted)", "open_files": "\(allowed)",
                "remedy":
                    "raise the hard limit to \(needed) (LimitNOFILE= of the unit, ulimit -Hn of a shell), or lower TALLYD_WEBHOOK_IN_FLIGHT",
            ])
        return capacity
    }

    /// Has it look again at once: the settings may have changed.
    package func lookAgain() {
        writing.signal()
        leisure.signal()
        sending.signal()
    }

    /// What waits in memory, what is under way, and what is still to be written.
    package func counts() async -> (waiting: Int, inFlight: Int, unwritten: Int) { await dispatcher.counts }

    package func run() async throws {
        parts.standing()
        try await withTaskCancellationOrGracefulShutdownHandler {
            try await serve()
        } onCancelOrGracefulShutdown: { [self] in
            end()
        }
    }

    private func end() {
        stop.raise()
        lookAgain()
    }

    private func serve() async throws {
        await open()
        let loops: Result<Void, any Error>
        do {
            try await runLoops()
            loops = .success(())
        } catch {
            loops = .failure(error)
        }
        await dispatcher.close()
        await client.shutdown()
        try loops.get()
    }

    private func runLoops() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.send() }
            group.addTask { try await self.loop(self.write, self.parts.beats.writing) }
            group.addTask { try await self.loop(self.writeAtLeisure, self.parts.beats.atLeisure) }
            try await group.waitForAll()
        }
    }

    /// One that fails ends the others: what it alone has noticed, a lost lease, is the end of all of them.
    private func loop(
        _ body: @Sendable () async throws -> Void, _ beat: @escaping @Sendable () -> Void
    ) async throws {
        do {
            try await LockWait.hearing(beat) { try await body() }
        } catch {
            end()
            throw error
        }
    }

    private func open() async {
        let beat: @Sendable () -> Void = { [beats = parts.beats] in
            beats.writing()
            beats.atLeisure()
            beats.sending()
        }
        while !stop.isRaised {
            beat()
            do {
                let opening = try await LockWait.hearing(beat) { try await outbox.open() }
                if opening.freed > 0 {
                    parts.logger.notice(
                        "freed webhooks that an ended process had claimed", metadata: ["count": "\(opening.freed)"])
                }
                return await dispatcher.open(opening)
            } catch {
                await complain(error)
            }
        }
    }

    // MARK: Writing

    private func write() async throws {
        let watch = DatabaseWatch(database: parts.store.path, signal: writing, logger: parts.logger)
        var lastLook = Duration.zero
        var laterLooks = Self.laterLooks[...]
        var isLast = false
        var (reported, reportedAt) = (0, Duration.zero)
        while true {
            parts.beats.writing()
            watch?.arm()
            let counts = await dispatcher.counts
            if counts.waiting + counts.inFlight != reported, parts.monotonic() - reportedAt >= Self.reportsEvery {
                (reported, reportedAt) = (counts.waiting + counts.inFlight, parts.monotonic())
                await parts.report(reported)
            }
            do {
                if stop.isRaised, leisureIsOver.isRaised, !isLast {
                    isLast = true
                    await dispatcher.releaseAll()
                }
                if try await round() {
                    await dispatcher.tidy()
                    continue
                }
            } catch  where (error as? StorageError)?.kind == .leaseLost {
                throw error
            } catch {
                // What is not written is freed at the next start, and sent once more.
                if stop.isRaised { return }
                await complain(error)
                continue
            }
            if isLast {
                guard await dispatcher.counts.inFlight > 0 else { return }
            }
            await dispatcher.tidy()
            let since = parts.monotonic() - lastLook
            if since < Self.spacing { await Task.uncancelledPause(for: Self.spacing - since) }
            lastLook = parts.monotonic()
            var wait = await pause(isWatching: watch != nil)
            if let later = laterLooks.popFirst() { wait = min(wait, later) }
            let isWoken = await writing.wait(for: wait)
            if isWoken { laterLooks = Self.laterLooks[...] }
        }
    }

    /// One look and one write; false when there was nothing to do.
    private func round() async throws -> Bool {
        let (hasEvents, revision) = try await outbox.look()
        if await dispatcher.isNew(revision) { await dispatcher.takeIn(revision, due: try await outbox.due()) }
        guard let work = await dispatcher.work(hasEvents: hasEvents, isStopping: stop.isRaised) else { return false }
        try await write(work)
        return true
    }

    private func write(_ work: Outbox.Work) async throws {
        do {
            let done = try await outbox.write(work, now: parts.now())
            let (isNew, isForLeisure) = await dispatcher.absorb(done, of: work)
            if isNew { sending.signal() }
            if isForLeisure { leisure.signal() }
        } catch {
            await dispatcher.giveUp(work)
            throw error
        }
    }

    /// Ends at a stop, with the write in hand: what is left is then for the other loop.
    private func writeAtLeisure() async throws {
        defer {
            leisureIsOver.raise()
            writing.signal()
        }
        try await cancelWhenGracefulShutdown { [self] in
            while !stop.isRaised {
                parts.beats.atLeisure()
                do {
                    if let work = await dispatcher.leisurelyWork() {
                        try await write(work)
                        continue
                    }
                } catch  where (error as? StorageError)?.kind == .leaseLost {
                    throw error
                } catch {
                    await complain(error)
                    continue
                }
                var wait = parts.longestWait()
                if let due = await dispatcher.nextDue() { wait = min(wait, untilThen(due)) }
                if await leisure.wait(for: wait), !stop.isRaised { try? await Task.sleep(for: Self.gathering) }
            }
        }
    }

    private func untilThen(_ due: Instant) -> Duration {
        .milliseconds(max(1, due.milliseconds - parts.now().milliseconds))
    }

    private func pause(isWatching: Bool) async -> Duration {
        var wait = parts.longestWait()
        if !isWatching { wait = min(wait, Self.slowPoll) }
        if let due = await dispatcher.nextDue() { wait = min(wait, untilThen(due)) }
        return wait
    }

    // MARK: Beside writing

    private func send() async {
        let parts = WebhookSending.Parts(
            longestWait: parts.longestWait, now: parts.now, monotonic: parts.monotonic,
            beat: parts.beats.sending, wakeWriters: { await self.wakeWriters() },
            complain: { await self.complain($0) })
        await WebhookSending(parts, outbox, dispatcher, client, stop: stop, wake: sending).run()
        writing.signal()
    }

    private func wakeWriters() async {
        let (atOnce, atLeisure) = await dispatcher.pending
        if atOnce || stop.isRaised { writing.signal() }
        if atLeisure { leisure.signal() }
    }

    private func complain(_ error: any Error) async {
        guard !stop.isRaised else { return }
        parts.logger.error(
            "webhooks wait", metadata: ["message_id": "\(MessageID.webhooksWait)", "error": "\(error)"])
        try? await Task.sleep(for: .seconds(1))
    }
}
