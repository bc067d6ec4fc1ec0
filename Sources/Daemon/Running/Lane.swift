package import Logging
package import Scheduling
import ServiceLifecycle
package import Storage
import Synchronization

/// Runs one job: finds out from its `Plan` which slot is due, claims it, has the work done, records how it ended, and sleeps until there may be
/// something again. Each job has a lane of its own, so that a slow one delays no other; runs of one job never overlap.
package final class Lane: Service, Sendable {
    /// What every lane needs from outside; all of it is handed in, so that tests can.
    package struct Parts: Sendable {
        package var ledger: JobLedger
        /// The longest that a wait which begins now may last, so that the watchdog sees the lane alive.
        package var longestWait: @Sendable () -> Duration
        package var now: @Sendable () -> Instant
        package var monotonic: @Sendable () -> Duration
        /// Called once, as the lane begins.
        package var standing: @Sendable () -> Void
        /// Called after every completed cycle, and whenever a run got something done.
        package var beat: @Sendable () -> Void
        /// Called after every cycle with what there is to say about it.
        package var report: @Sendable (Report) async -> Void
        /// Asked by runs beside the lane's own stop: a command's Ctrl-C.
        package var isInterrupted: @Sendable () -> Bool

        package init(
            ledger: JobLedger, longestWait: @escaping @Sendable () -> Duration, now: @escaping @Sendable () -> Instant,
            monotonic: @escaping @Sendable () -> Duration, standing: @escaping @Sendable () -> Void,
            beat: @escaping @Sendable () -> Void, report: @escaping @Sendable (Report) async -> Void,
            isInterrupted: @escaping @Sendable () -> Bool = { false }
        ) {
            self.isInterrupted = isInterrupted
            self.ledger = ledger
            self.longestWait = longestWait
            self.now = now
            self.monotonic = monotonic
            self.standing = standing
            self.beat = beat
            self.report = report
        }
    }

    package enum Report: Sendable {
        /// There was nothing to do.
        case idle
        /// The outcome's message and figures are in the log.
        case ran(JobLedger.Ending)
        case failed(any Error)
    }

    let job: Job
    let parts: Parts
    let logger: Logger
    private let database: String
    private let wake = WakeSignal()
    private let state = Mutex(State())

    private struct State {
        var isStopping = false
        var requests: [CheckedContinuation<Report, Never>] = []
        var next: Instant?
    }

    package init(_ job: Job, _ parts: Parts, database: String, logger: Logger) {
        self.job = job
        self.parts = parts
        self.database = database
        var logger = logger
        logger[metadataKey: "job"] = "\(job.name)"
        self.logger = logger
    }

    var isStopping: Bool { state.withLock { $0.isStopping } || parts.isInterrupted() }

    /// When the schedule next asks for a run; nil before the first look, and for a job that is paused.
    package var next: Instant? { state.withLock { $0.next } }

    /// Has the lane look again at once: its schedule or a pause may have changed.
    package func lookAgain() { wake.signal() }

    /// Runs the job now, whatever its schedule says and though it may be paused, after the run in hand if there is one.
    ///
    /// - Returns: how it went; `idle` when there was nothing to do, and when the lane has ended.
    package func runNow() async -> Report {
        await withCheckedContinuation { continuation in
            let isStopping = state.withLock { state in
                if !state.isStopping { state.requests.append(continuation) }
                return state.isStopping
            }
            if isStopping { continuation.resume(returning: .idle) } else { wake.signal() }
        }
    }

    package func run() async throws {
        parts.standing()
        defer { for request in stop() { request.resume(returning: .idle) } }
        try await withTaskCancellationOrGracefulShutdownHandler {
            try await LockWait.hearing(parts.beat) { try await serve() }
        } onCancelOrGracefulShutdown: {
            self.markStopping()
        }
    }

    func markStopping() {
        state.withLock { $0.isStopping = true }
        wake.signal()
    }

    private func stop() -> [CheckedContinuation<Report, Never>] {
        state.withLock { state in
            state.isStopping = true
            defer { state.requests = [] }
            return state.requests
        }
    }

    // MARK: Looking

    /// Where the lane is, between two looks.
    private struct Situation {
        var cursor: Instant?
        /// A slot whose run failed, or was cut by a crash, and has attempts left.
        var retry: Slot?
        /// At that slot, those before a restart included.
        var attempts = 0
        /// Failures in a row, of whatever slots.
        var failures = 0
        /// On the monotonic clock: nothing is started before, after a failure.
        var notBefore: Duration = .zero
        /// Those that are still to come after an early wake that found nothing.
        var laterLooks: ArraySlice<Duration> = []
    }

    /// The watch tells of the first write to the database's log. The commit is to be seen only after the last one, and after an fsync where the gateway
    /// asks for that (synchronous = FULL, SQLite's default).
    private static let laterLooks: [Duration] = [5, 20, 80, 320].map { .milliseconds($0) }

    private func serve() async throws {
        var situation = await start()
        let watch = job.early == nil ? nil : DatabaseWatch(database: database, signal: wake, logger: logger)
        while !isStopping {
            parts.beat()
            if let request = state.withLock({ $0.requests.isEmpty ? nil : $0.requests.removeFirst() }) {
                // A slot of its own, beside the schedule's: the cursor stays, and a failure is the asker's to see.
                let report = await perform(Slot(parts.now()), again: false)
                request.resume(returning: report)
                if case .failed(let error) = report { try endIfLeaseLost(error) }
                await parts.report(report)
                continue
            }
            let isPaused = (try? await parts.ledger.isPaused(job.name)) ?? false
            guard !isPaused, let slot = await due(&situation) else {
                if isPaused { state.withLock { $0.next = nil } }
                await wait(isPaused ? nil : watch, &situation, isPaused: isPaused)
                continue
            }
            let again = slot == situation.retry
            let report = await perform(slot, again: again)
            situation.cursor = max(situation.cursor ?? slot.instant, slot.instant)
            try note(report, slot, again, &situation)
            await parts.report(report)
            if let spacing = job.early?.spacing(), situation.failures == 0 {
                await wake.wait(for: min(spacing, parts.longestWait()))
            }
        }
    }

    /// From the ledger: the latest slot that was run, and whether it wants another attempt.
    ///
    /// Waits until the ledger can be read: without its cursor, slots that are still to be made up for would pass for settled. It does not beat
    /// meanwhile, so that the watchdog has its say.
    private func start() async -> Situation {
        var situation = Situation()
        var failures = 0
        while !isStopping {
            do {
                guard let last = try await last() else {
                    if !job.startsAtOnce { situation.cursor = parts.now() }
                    return situation
                }
                situation.cursor = last.slot
                if last.state == .crashed || last.state == .failed, last.attempt < job.policy().retry.attempts {
                    situation.retry = Slot(last.slot)
                    situation.attempts = last.attempt
                    situation.failures = last.attempt
                }
                return situation
            } catch {
                failures += 1
                logger.error(
                    "\(job.name) can't begin: its last run can't be read",
                    metadata: ["message_id": "\(MessageID.jobFailed)", "error": "\(error)"])
                await wake.wait(for: Self.calm.delay(afterFailures: failures, jitter: .random(in: 0...1)))
            }
        }
        return situation
    }

    private func last() async throws -> JobLedger.Run? {
        guard case .all = job.policy().missed else { return try await parts.ledger.last(of: job.name) }
        // Every slot that waits is to be run, so only a slot of the schedule's settles those before it: a run that was asked for meanwhile doesn't.
        let schedule = job.schedule()
        return try await parts.ledger.last(of: job.name) { schedule.latest(at: $0)?.instant == $0 }
    }

    /// The slot to run now; nil when none is due.
    private func due(_ situation: inout Situation) async -> Slot? {
        let now = parts.now()
        var ran: Set<Slot> = []
        if let cursor = situation.cursor, cursor > now {
            // The clock was set back: slots that come round again are not run again.
            ran = (try? await parts.ledger.slots(of: job.name, after: now)) ?? []
        }
        let policy = job.policy()
        let plan = Plan(job.schedule(), policy: policy, cursor: situation.cursor, ran: ran, now: now)
        state.withLock { $0.next = plan.wake }
        guard parts.monotonic() >= situation.notBefore else { return nil }
        switch policy.missed {
        case .all:
            // In order: the one that failed first.
            if let retry = situation.retry { return retry }
        case .latest, .none:
            // A later slot does the work of the one that failed.
            if plan.due.isEmpty, let retry = situation.retry { return retry }
        }
        if let slot = plan.due.first { return slot }
        situation.cursor = plan.cursor
        if job.early?.spacing() != nil, case .steps(let hasWork, _) = job.body, (try? await hasWork()) == true {
            return Slot(now)
        }
        return nil
    }

    /// - Throws: `StorageError` of kind `leaseLost`: another daemon serves now, so this one has to end.
    private func endIfLeaseLost(_ error: any Error) throws {
        if let error = error as? StorageError, error.kind == .leaseLost { throw error }
    }

    private func note(_ report: Report, _ slot: Slot, _ again: Bool, _ situation: inout Situation) throws {
        guard case .failed(let error) = report else {
            situation.failures = 0
            situation.attempts = 0
            situation.retry = nil
            situation.notBefore = .zero
            return
        }
        try endIfLeaseLost(error)
        situation.failures += 1
        situation.attempts = again ? situation.attempts + 1 : 1
        // Also a job that is never tried again is not started in a hurry: what fails now will mostly fail in a second, too.
        let jitter = Double.random(in: 0...1)
        let delay = job.policy().retry.delay(
            afterAttempts: situation.attempts, failures: situation.failures, jitter: jitter)
        situation.retry = delay == nil ? nil : slot
        situation.notBefore =
            parts.monotonic() + (delay ?? Self.calm.delay(afterFailures: situation.failures, jitter: jitter))
    }

    /// Between failures of a job without retries.
    static let calm = Backoff(first: .seconds(1), cap: .seconds(60))

    private func wait(_ watch: DatabaseWatch?, _ situation: inout Situation, isPaused: Bool) async {
        let now = parts.now()
        var wait = parts.longestWait()
        if !isPaused {
            if let next { wait = min(wait, .milliseconds(next.milliseconds - now.milliseconds)) }
            let held = situation.notBefore - parts.monotonic()
            if held > .zero {
                // Slots that come due meanwhile wait as well.
                wait = min(held, parts.longestWait())
            } else if job.early?.spacing() != nil, let watch {
                watch.arm()
                // A commit between the last look and the arming would be missed.
                if case .steps(let hasWork, _) = job.body, (try? await hasWork()) == true { return }
                if let later = situation.laterLooks.popFirst() { wait = min(wait, later) }
            }
        }
        if await wake.wait(for: max(wait, .milliseconds(1))), watch != nil {
            situation.laterLooks = Self.laterLooks[...]
        }
    }
}
