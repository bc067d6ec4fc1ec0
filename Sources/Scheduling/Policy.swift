/// How a job keeps to its schedule. Runs of one job never overlap: a slot that comes due while the job runs waits for
/// the run's end and is then a missed slot like any other.
package struct Policy: Sendable, Hashable {
    package var missed: MissedRuns
    package var jitter: Jitter
    /// How long a run may take; nil for as long as it likes.
    package var deadline: Duration?
    package var retry: Retry

    package init(
        missed: MissedRuns = .latest, jitter: Jitter = .none, deadline: Duration? = nil, retry: Retry = .never
    ) {
        self.missed = missed
        self.jitter = jitter
        self.deadline = deadline
        self.retry = retry
    }
}

/// What is done about slots that passed while nobody could run them: the daemon was down, the machine slept, the job's
/// previous run went on, or the clock was set forward.
package enum MissedRuns: Sendable, Hashable {
    /// One run for all of them: jobs are level-triggered, so the latest does the work of the others.
    case latest
    /// None, once two or more have passed. One alone is run, however late: nobody can tell it from a slot that is looked
    /// at a moment late.
    case none
    /// Each of them, in order, but for those older than the window and all but the newest `cap`. A cap below one is one.
    case all(cap: Int, window: Duration)
}

/// What is done about a run that failed: the same slot again, a few times, further and further apart.
package struct Retry: Sendable, Hashable {
    package var backoff: Backoff
    /// Attempts in all, the first one included. Below one is one.
    package var attempts: Int

    package init(backoff: Backoff, attempts: Int) {
        self.backoff = backoff
        self.attempts = attempts
    }

    /// One attempt.
    package static let never = Retry(backoff: Backoff(first: .zero, cap: .zero), attempts: 1)

    /// How long to wait for the next attempt; nil when there is none left and the slot is given up.
    ///
    /// - Parameters:
    ///   - tried: attempts at this slot that failed, 1 or more.
    ///   - failures: failures in a row, those of earlier slots too: whoever keeps failing is tried less and less often, and yet each slot has all its
    ///     attempts.
    ///   - jitter: 0 to 1, from the caller's source of randomness.
    package func delay(afterAttempts tried: Int, failures: Int, jitter: Double) -> Duration? {
        tried < attempts ? backoff.delay(afterFailures: failures, jitter: jitter) : nil
    }
}
