import Foundation
import Scheduling
import Storage

/// The one place where commands read the system's clock; everything else is handed the time.
enum WallClock {
    static func now() -> Instant {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Instant(milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }

    /// CLOCK_MONOTONIC, for measuring.
    static func monotonic() -> Duration { .nanoseconds(Int64(MonotonicClock.nanoseconds())) }
}
