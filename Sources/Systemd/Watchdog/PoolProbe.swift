import Synchronization

/// Asks the cooperative pool for a sign of life: a task that does nothing but say that it ran.
final class PoolProbe: Sendable {
    private static let answered = Int64.min

    private let launch: @Sendable (@escaping @Sendable () -> Void) -> Void

    /// When the outstanding question was asked, in ns, or `answered`.
    private let waitingSince = Atomic<Int64>(answered)

    init(launch: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void) {
        self.launch = launch
    }

    /// Sends a task on its way, unless one is still waiting: a stuck pool must not collect more work.
    func ask(now: Duration) {
        let (mine, _) = waitingSince.compareExchange(
            expected: Self.answered, desired: now.nanoseconds, ordering: .acquiringAndReleasing)
        guard mine else { return }
        launch { [self] in waitingSince.store(Self.answered, ordering: .releasing) }
    }

    /// When the question that still waits was asked; nil when the pool has answered.
    var outstandingSince: Duration? {
        let since = waitingSince.load(ordering: .acquiring)
        return since == Self.answered ? nil : .nanoseconds(since)
    }
}
