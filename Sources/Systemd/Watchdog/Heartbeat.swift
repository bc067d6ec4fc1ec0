import Synchronization

/// One loop's proof of progress. The loop reports each cycle that it *completed*, not each that it began.
package final class Heartbeat: Sendable {
    package let name: String

    /// The oldest that the last completed cycle may get.
    package let allowedAge: Duration

    private let monotonic: @Sendable () -> Duration
    private let lastNanoseconds: Atomic<Int64>
    private let isRetired = Atomic(false)

    init(name: String, allowedAge: Duration, monotonic: @escaping @Sendable () -> Duration) {
        self.name = name
        self.allowedAge = allowedAge
        self.monotonic = monotonic
        lastNanoseconds = Atomic(monotonic().nanoseconds)
    }

    /// A cycle is complete. Takes one atomic store and a look at the clock.
    package func beat() {
        lastNanoseconds.store(monotonic().nanoseconds, ordering: .relaxed)
    }

    /// The loop ended in good order, and nobody waits for it any more.
    package func retire() {
        isRetired.store(true, ordering: .relaxed)
    }

    /// When the last cycle was complete; nil after `retire()`.
    var lastBeat: Duration? {
        isRetired.load(ordering: .relaxed) ? nil : .nanoseconds(lastNanoseconds.load(ordering: .relaxed))
    }
}
