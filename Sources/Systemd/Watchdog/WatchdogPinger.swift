package import Logging
import Synchronization

/// Pings the manager every third of its window, from a thread of its own, while the process earns it.
///
/// The thread stands outside the cooperative pool because it judges that pool. It ends with `stop()`, which the owner
/// calls.
package final class WatchdogPinger: Sendable {
    private let watchdog: Watchdog
    private let heartbeats: Heartbeats
    private let notifier: any ServiceNotifier
    private let logger: Logger
    private let monotonic: @Sendable () -> Duration
    private let lateFields: Logger.Metadata
    private let probe: PoolProbe
    private let stopSignal = WakeSignal()
    private let isStopping = Atomic(false)
    private let isLate = Atomic(false)
    private let thread = Mutex<DedicatedThread?>(nil)

    /// - Parameters:
    ///   - monotonic: the clock that `heartbeats` was given.
    ///   - lateFields: go with each line about a late loop, such as the kind of event's id.
    ///   - launch: runs its argument on the pool under test; a test puts a pool there that does not answer.
    package init(
        watchdog: Watchdog, heartbeats: Heartbeats, notifier: any ServiceNotifier, logger: Logger,
        monotonic: @escaping @Sendable () -> Duration, lateFields: Logger.Metadata = [:],
        launch: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void = { work in Task.detached { work() } }
    ) {
        self.watchdog = watchdog
        self.heartbeats = heartbeats
        self.notifier = notifier
        self.logger = logger
        self.monotonic = monotonic
        self.lateFields = lateFields
        probe = PoolProbe(launch: launch)
    }

    /// Starts the thread; the first ping comes a third of the window later. A second call does nothing.
    ///
    /// - Throws: `ThreadFailure`; without the thread the manager would end the service after one window.
    package func start() throws {
        try thread.withLock { thread in
            guard thread == nil else { return }
            begin()
            thread = try DedicatedThread(name: "watchdog") { [self] in
                while !isStopping.load(ordering: .acquiring) {
                    if stopSignal.wait(atMost: watchdog.pingInterval) { continue }
                    tick()
                }
            }
        }
    }

    /// Ends the thread and returns when it has ended, which takes a ping under way at most (one second). Final.
    package func stop() {
        isStopping.store(true, ordering: .releasing)
        stopSignal.raise()
        thread.withLock { $0 }?.join()
    }

    /// What would be decided now.
    package func verdict(now: Duration) -> WatchdogVerdict {
        Liveness(
            loops: heartbeats.snapshot(), poolWaitingSince: probe.outstandingSince, poolAllowed: watchdog.pingInterval
        ).verdict(now: now)
    }

    /// Asks the pool for its first answer.
    func begin() {
        probe.ask(now: monotonic())
    }

    /// One period: pings, or says which loop is late. Late loops are named once a period, so a restart by the manager
    /// is always explained by the lines before it.
    func tick() {
        let now = monotonic()
        switch verdict(now: now) {
        case .ping:
            notifier.notify([.watchdog])
            probe.ask(now: now)
            if isLate.exchange(false, ordering: .relaxed) { logger.notice("watchdog pings go on") }
        case .withhold(let lateLoops):
            isLate.store(true, ordering: .relaxed)
            for loop in lateLoops {
                logger.error(
                    "watchdog ping withheld: a loop is late",
                    metadata: [
                        "loop": "\(loop.name)",
                        "age_ms": "\(loop.age.milliseconds)",
                        "allowed_ms": "\(loop.allowed.milliseconds)",
                        "window_ms": "\(watchdog.window.milliseconds)",
                    ].merging(lateFields) { own, _ in own })
            }
        }
    }
}
