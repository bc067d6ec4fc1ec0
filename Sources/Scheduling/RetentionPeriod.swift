/// For how long rows are kept, as people write it: `90d`, `forever`, or `off`.
package enum RetentionPeriod: Sendable, Hashable, CustomStringConvertible {
    /// Nothing is looked at and nothing is removed.
    case off
    /// Nothing is removed, but days are closed all the same.
    case forever
    /// A row may go once it is as old as this.
    case limited(Duration)

    /// Reads a duration (`90d`, `12h`) or one of the two words.
    package init(parsing text: String) throws(DurationText.Problem) {
        switch text {
        case "off": self = .off
        case "forever": self = .forever
        default: self = .limited(try DurationText.parse(text))
        }
    }

    package var description: String {
        switch self {
        case .off: "off"
        case .forever: "forever"
        // Days, as everybody says them: the shortest text of ninety days would be 12w6d.
        case .limited(let duration):
            duration.wholeMilliseconds % 86_400_000 == 0
                ? "\(duration.wholeMilliseconds / 86_400_000)d" : DurationText.format(duration)
        }
    }

    /// Milliseconds; nil where there is no end.
    package var milliseconds: Int64? {
        if case .limited(let duration) = self { duration.wholeMilliseconds } else { nil }
    }
}

extension Instant {
    /// As far as a clock can be believed: not beyond a day after the newest row, so that a clock set to 2038 makes nothing old. Nil where
    /// there is no row to hold against it.
    package static func believed(now: Instant, newestRow: Instant?) -> Instant? {
        newestRow.map { min(now, Instant(milliseconds: $0.milliseconds.addingClamped(86_400_000))) }
    }

    /// What is at least as old as the period at this instant lies before it.
    package func before(by period: Duration) -> Instant {
        Instant(milliseconds: milliseconds.subtractingClamped(period.wholeMilliseconds))
    }
}
