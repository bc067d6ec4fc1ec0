/// How long to wait after failures in a row: doubling from `first` up to `cap`, with a jitter of a quarter either way so that many do not
/// come back at once.
package struct Backoff: Sendable, Hashable {
    package var first: Duration
    package var cap: Duration

    package init(first: Duration, cap: Duration) {
        self.first = first
        self.cap = cap
    }

    /// - Parameters:
    ///   - failures: failures in a row, 1 or more.
    ///   - jitter: 0 to 1, from the caller's source of randomness.
    package func delay(afterFailures failures: Int, jitter: Double) -> Duration {
        let doubled = first * (1 << min(max(0, failures - 1), 30))
        return min(doubled, cap) * (0.75 + 0.5 * min(max(jitter, 0), 1))
    }
}
