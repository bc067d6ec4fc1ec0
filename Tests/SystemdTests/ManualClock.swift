import Synchronization

/// A monotonic clock that moves when the test says so.
final class ManualClock: Sendable {
    private let time = Mutex<Duration>(.seconds(1_000))

    var now: Duration { time.withLock { $0 } }

    var reading: @Sendable () -> Duration {
        { [self] in now }
    }

    func advance(by duration: Duration) {
        time.withLock { $0 += duration }
    }
}
