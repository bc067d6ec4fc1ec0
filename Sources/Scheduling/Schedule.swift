/// When a job is due.
///
/// Only intervals so far; calendar expressions will be a second case.
package enum Schedule: Sendable, Equatable {
    /// On the multiples of the duration since 1970, so that a restart keeps the rhythm.
    case every(Duration)

    /// The first slot after the instant.
    package func next(after instant: Instant) -> Slot {
        switch self {
        case .every(let duration):
            let step = max(1, Int64(duration / .milliseconds(1)))
            return Slot(Instant(milliseconds: (instant.milliseconds.flooredDivision(by: step).quotient + 1) * step))
        }
    }

    /// The last slot at or before the instant.
    package func latest(at instant: Instant) -> Slot {
        switch self {
        case .every(let duration):
            let step = max(1, Int64(duration / .milliseconds(1)))
            return Slot(Instant(milliseconds: instant.milliseconds.flooredDivision(by: step).quotient * step))
        }
    }
}

/// What is done about slots that passed while nobody could run them.
package enum MissedRuns: Sendable, Equatable {
    /// One run for all of them: jobs are level-triggered, so the latest does the work of the others.
    case latest
    case none
}
