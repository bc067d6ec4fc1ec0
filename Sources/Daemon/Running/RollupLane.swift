package import Logging
package import Scheduling
import ServiceLifecycle
package import Storage
import Synchronization

/// The lane that keeps daily_usage_stats up to date: looks at every slot of its schedule, and early when the database changes.
///
/// Looking costs a few page reads; only a look that finds something becomes a run with a line in the ledger and in the log, so an idle
/// daemon writes nothing.
package struct RollupLane: Service {
    /// What the lane needs from outside; all of it is handed in, so that tests can.
    package struct Parts: Sendable {
        package var rollup: Rollup
        package var ledger: JobLedger
        package var schedule: Schedule
        /// The shortest time between two early wakes; nil: no early wakes.
        package var spacing: Duration?
        /// The longest that one wait may last, so that the watchdog sees the lane alive.
        package var longestWait: Duration
        package var now: @Sendable () -> Instant
        /// Called once, as the lane begins.
        package var standing: @Sendable () -> Void
        /// Called after every completed cycle.
        package var beat: @Sendable () -> Void
        /// Called after every cycle with what there is to say about it.
        package var report: @Sendable (Report) async -> Void

        package init(
            rollup: Rollup, ledger: JobLedger, schedule: Schedule, spacing: Duration?, longestWait: Duration,
            now: @escaping @Sendable () -> Instant, standing: @escaping @Sendable () -> Void,
            beat: @escaping @Sendable () -> Void, report: @escaping @Sendable (Report) async -> Void
        ) {
            self.rollup = rollup
            self.ledger = ledger
            self.schedule = schedule
            self.spacing = spacing
            self.longestWait = longestWait
            self.now = now
            self.standing = standing
            self.beat = beat
            self.report = report
        }
    }

    package enum Report: Sendable {
        case idle
        case ran(Rollup.Outcome, Duration)
        case failed(any Error)
    }

    static let job = "rollup"
    /// A run of so many rows may leave a long log behind; at 100 pages of log for 1,000 rows, this is 40 MB.
    private static let longRun: Int64 = 100_000

    private let parts: Parts
    private let database: String
    private let store: Store
    private let logger: Logger

    package init(_ parts: Parts, store: Store, logger: Logger) {
        self.parts = parts
        self.store = store
        database = store.path
        var logger = logger
        logger[metadataKey: "job"] = "\(Self.job)"
        self.logger = logger
    }

    package func run() async throws {
        let wake = WakeSignal()
        let watch = parts.spacing == nil ? nil : DatabaseWatch(database: database, signal: wake, logger: logger)
        let stopping = Mutex(false)
        parts.standing()
        try await withTaskCancellationOrGracefulShutdownHandler {
            var cursor: Instant?
            var failures = 0
            while !stopping.withLock({ $0 }) {
                let now = parts.now()
                let plan = Plan(parts.schedule, cursor: cursor, now: now)
                // Each cycle does the work of every slot so far.
                cursor = plan.due.last?.instant ?? plan.cursor
                failures = try await cycle(slot: Slot(now), isStopping: { stopping.withLock { $0 } }) ? 0 : failures + 1
                parts.beat()
                if let spacing = parts.spacing, failures == 0 {
                    await pause(min(spacing, parts.longestWait), unless: stopping)
                }
                await waitForWork(wake, watch, cursor: cursor, failures: failures, stopping)
            }
        } onCancelOrGracefulShutdown: {
            stopping.withLock { $0 = true }
            wake.signal()
        }
    }

    /// Sleeps in steps short enough to notice a stop at once.
    private func pause(_ duration: Duration, unless stopping: borrowing Mutex<Bool>) async {
        var left = duration
        let step = Duration.milliseconds(100)
        while left > .zero, !stopping.withLock({ $0 }) {
            try? await Task.sleep(for: min(step, left))
            left -= step
        }
    }

    private func waitForWork(
        _ wake: WakeSignal, _ watch: DatabaseWatch?, cursor: Instant?, failures: Int, _ stopping: borrowing Mutex<Bool>
    ) async {
        let backoff = Backoff(first: .seconds(1), cap: .seconds(60))
        var retry = failures == 0 ? nil : backoff.delay(afterFailures: failures, jitter: .random(in: 0...1))
        while !stopping.withLock({ $0 }) {
            watch?.arm()
            // A commit between the last look and the arming would be missed.
            if failures == 0, watch != nil, (try? await parts.rollup.hasWork()) == true { return }
            let now = parts.now()
            let plan = Plan(parts.schedule, cursor: cursor, now: now)
            let untilSlot = plan.wake.map { Duration.milliseconds($0.milliseconds - now.milliseconds) }
            let wait = min(retry ?? untilSlot ?? parts.longestWait, parts.longestWait)
            if failures > 0 {
                await pause(wait, unless: stopping)
                retry = retry.map { $0 - wait }
                if let retry, retry <= .zero { return }
            } else {
                await wake.wait(for: max(wait, .milliseconds(1)))
                if watch != nil, (try? await parts.rollup.hasWork()) == true { return }
            }
            parts.beat()
            if failures == 0, !Plan(parts.schedule, cursor: cursor, now: parts.now()).due.isEmpty { return }
        }
    }

    /// One look, and a run if there is anything to do. False when it failed and may be tried again; the error is logged here and nowhere else.
    ///
    /// - Throws: `StorageError` of kind `leaseLost`: another daemon counts here now, so this one has to end.
    private func cycle(slot: Slot, isStopping: @escaping @Sendable () -> Bool) async throws -> Bool {
        let started = MonotonicClock.nanoseconds()
        let locked = store.writer.totals.holdNanoseconds
        func elapsed() -> Duration { .nanoseconds(Int64(MonotonicClock.nanoseconds() - started)) }
        func lockMicroseconds() -> Int64 { Int64((store.writer.totals.holdNanoseconds - locked) / 1_000) }
        var run: Int64?
        do {
            guard try await parts.rollup.hasWork() else {
                await parts.report(.idle)
                return true
            }
            run = try await parts.ledger.begin(job: Self.job, slot: slot.instant, now: parts.now())
            let outcome = try await parts.rollup.run(
                shouldStop: isStopping,
                progress: { _ in parts.beat() })
            if let run {
                try await parts.ledger.end(
                    run, state: outcome.isComplete ? .succeeded : .cancelled, now: parts.now(),
                    rows: outcome.rows + outcome.corrections,
                    lockMicroseconds: lockMicroseconds(), error: nil)
            }
            log(outcome, run: run, elapsed: elapsed(), lockMicroseconds: lockMicroseconds())
            if outcome.rows > Self.longRun { try await store.writer.settleLog() }
            await parts.report(.ran(outcome, elapsed()))
            return true
        } catch let error as StorageError where error.kind == .leaseLost {
            throw error
        } catch {
            if let run {
                // If even this can't be written, the next start finds the run and records it as crashed.
                try? await parts.ledger.end(
                    run, state: .failed, now: parts.now(), rows: 0, lockMicroseconds: lockMicroseconds(),
                    error: "\(error)")
            }
            logger.error(
                "rollup failed",
                metadata: [
                    "message_id": "\(MessageID.rollupFailed)", "run": "\(run ?? 0)", "error": "\(error)",
                    "lock_ms": "\(Double(lockMicroseconds()) / 1_000)",
                    "duration_ms": "\(Int(elapsed() / .milliseconds(1)))",
                ])
            await parts.report(.failed(error))
            return false
        }
    }

    private func log(_ outcome: Rollup.Outcome, run: Int64?, elapsed: Duration, lockMicroseconds: Int64) {
        logger.info(
            "rolled up",
            metadata: [
                "message_id": "\(MessageID.rolledUp)", "run": "\(run ?? 0)", "rows": "\(outcome.rows)",
                "corrections": "\(outcome.corrections)", "rejected": "\(outcome.rejected)",
                "days": "\(outcome.daysDerived)",
                "prices": "\(outcome.prices)", "complete": "\(outcome.isComplete)",
                "lock_ms": "\(Double(lockMicroseconds) / 1_000)", "duration_ms": "\(Int(elapsed / .milliseconds(1)))",
            ])
        if outcome.rejected > 0 {
            logger.warning(
                "rows set aside: they can't be counted as they stand",
                metadata: [
                    "message_id": "\(MessageID.rowsSetAside)", "rejected": "\(outcome.rejected)",
                    "remedy": "tallyd rollup rejects",
                ])
        }
    }
}
