package import Scheduling

/// Stops attempts at an endpoint that fails again and again, and lets a single one through from time to time.
///
/// Closed: attempts go. Open: none goes until an instant. Half open: one is under way, and its outcome decides.
package struct CircuitBreaker: Hashable, Sendable {
    package enum State: Hashable, Sendable {
        case closed
        case open(until: Instant)
        case halfOpen
    }

    package var state: State
    /// Failures in a row since the last success.
    package var failures: Int
    /// How often it opened for failures since the last success; each doubles the wait.
    package var openings: Int

    package init(state: State = .closed, failures: Int = 0, openings: Int = 0) {
        self.state = state
        self.failures = failures
        self.openings = openings
    }

    /// When the next attempt may go; nil while the one that decides is under way.
    package func nextAttempt(at now: Instant) -> Instant? {
        switch state {
        case .closed: now
        case .open(let until): max(until, now)
        case .halfOpen: nil
        }
    }

    /// Called for every attempt that goes, after `nextAttempt` allowed it.
    mutating func begin() {
        if case .open = state { state = .halfOpen }
    }

    /// An attempt that ended without an outcome, as when the process stops: the next one decides instead.
    mutating func abandon(at now: Instant) {
        if state == .halfOpen { state = .open(until: now) }
    }

    mutating func succeed() {
        self = CircuitBreaker()
    }

    /// - Parameters:
    ///   - threshold: failures in a row that open it.
    ///   - jitter: 0 to 1.
    mutating func fail(at now: Instant, threshold: Int, wait: Backoff, jitter: Double) {
        failures = failures.addingReportingOverflow(1).partialValue
        switch state {
        // Attempts that were under way when it opened say nothing new.
        case .open: return
        case .closed where failures < threshold: return
        case .closed, .halfOpen: openings += 1
        }
        open(until: now.advanced(by: wait.delay(afterFailures: openings, jitter: jitter)))
    }

    /// Opens it until then, or for longer where it is open already.
    mutating func open(until instant: Instant) {
        if case .open(let until) = state, until >= instant { return }
        state = .open(until: instant)
    }
}

extension Instant {
    func since(_ other: Instant) -> Duration {
        let (difference, overflow) = milliseconds.subtractingReportingOverflow(other.milliseconds)
        return .milliseconds(overflow ? (milliseconds < other.milliseconds ? .min : .max) : difference)
    }
}
