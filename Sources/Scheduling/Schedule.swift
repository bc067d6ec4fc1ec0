/// When a job is due.
package enum Schedule: Sendable, Hashable {
    /// On the multiples of the duration since 1970, so that a restart keeps the rhythm. A millisecond at least.
    case every(Duration)
    /// By the calendar of a zone.
    case calendar(CalendarExpression)

    /// The first slot after the instant; nil when the schedule never fires again.
    package func next(after instant: Instant) -> Slot? {
        switch self {
        case .every(let duration):
            let step = duration.wholeMilliseconds
            let (multiple, overflow) = (instant.milliseconds.flooredDivision(by: step).quotient + 1)
                .multipliedReportingOverflow(by: step)
            return overflow ? nil : Slot(Instant(milliseconds: multiple))
        case .calendar(let expression): return expression.next(after: instant)
        }
    }

    /// The last slot at or before the instant; nil when there was none.
    package func latest(at instant: Instant) -> Slot? {
        switch self {
        case .every(let duration):
            let step = duration.wholeMilliseconds
            let (multiple, overflow) = instant.milliseconds.flooredDivision(by: step).quotient
                .multipliedReportingOverflow(by: step)
            return overflow ? nil : Slot(Instant(milliseconds: multiple))
        case .calendar(let expression): return expression.latest(at: instant)
        }
    }
}

extension Schedule: CustomStringConvertible {
    /// A text that reads back as the same schedule: `5m`, or a calendar expression's normal form.
    package var description: String {
        switch self {
        case .every(let duration): DurationText.format(duration)
        case .calendar(let expression): expression.description
        }
    }
}

extension Duration {
    /// Rounded down, but one at least and no more than 64 bits hold.
    var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        let milliseconds = Int128(seconds) * 1_000 + Int128(attoseconds / 1_000_000_000_000_000)
        return Int64(min(max(1, milliseconds), Int128(Int64.max)))
    }
}
