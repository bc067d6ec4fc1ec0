/// So many starts in so much time, a few of them at once: a token bucket, kept as the one number that it needs (the
/// generic cell rate algorithm, ITU-T I.371 annex A). Exact in integers, and it has no refilling to schedule.
package struct RateLimit: Hashable, Sendable {
    /// Between two starts on the long run.
    package let interval: Duration
    /// Starts that may go at once after a pause, 1 or more.
    package let burst: Int

    /// - Parameter count: starts in `period`, 1 or more; both are raised to the least that makes sense.
    package init(_ count: Int, per period: Duration, burst: Int) {
        interval = max(period, .nanoseconds(1)) / max(count, 1)
        self.burst = max(burst, 1)
    }
}

/// Where an endpoint stands under its limit.
struct RateMeter: Hashable, Sendable {
    /// When the bucket is full again: the "theoretical arrival time".
    private(set) var full: Duration = .zero

    /// The earliest time of the next start.
    func nextStart(under limit: RateLimit) -> Duration {
        full - limit.interval * (limit.burst - 1)
    }

    mutating func start(at now: Duration, under limit: RateLimit) {
        full = max(full, now) + limit.interval
    }
}
