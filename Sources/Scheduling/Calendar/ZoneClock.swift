import Foundation

/// What the clocks of a zone show, and when they are changed. A wall time is counted in milliseconds as though it were
/// UTC.
///
/// Since 1970 no zone of tzdata stands further than 15 hours from UTC, and none was moved by more than 24; every search
/// here looks that far and no further.
struct ZoneClock {
    let zone: Zone

    /// A moment at which the clocks are changed: from `before` forward to `after` over a gap, or back, so that the wall
    /// times in between come twice.
    struct Change: Equatable {
        /// The first instant of the new offset.
        let instant: Int64
        /// The wall time that the clocks would show, and the one that they do, both at the instant.
        let before: Int64
        let after: Int64

        /// The wall times that do not exist; empty when the clocks go back.
        var gap: Range<Int64> { before..<max(before, after) }
        /// The wall times that come twice; empty when the clocks go forward.
        var fold: Range<Int64> { after..<max(before, after) }
    }

    static let hour: Int64 = 3_600_000
    /// No change moves the clocks further.
    static let longestShift: Int64 = 25 * hour

    /// In milliseconds.
    func offset(at instant: Int64) -> Int64 {
        let seconds = instant.flooredDivision(by: 1_000).quotient
        return 1_000 * Int64(zone.timeZone.secondsFromGMT(for: Date(timeIntervalSince1970: TimeInterval(seconds))))
    }

    func wall(at instant: Int64) -> Int64 { instant + offset(at: instant) }

    /// The changes within the range, in order. Looks every 12 hours, so it sees no pair of changes that undo each other
    /// within; tzdata has none.
    func changes(in range: ClosedRange<Int64>) -> [Change] {
        var changes: [Change] = []
        var known = range.lowerBound - 1
        while known < range.upperBound {
            let next = min(known + 12 * Self.hour, range.upperBound)
            let before = offset(at: known)
            if offset(at: next) != before {
                var low = known
                var high = next
                while high - low > 1 {
                    let middle = low + (high - low) / 2
                    if offset(at: middle) == before { low = middle } else { high = middle }
                }
                changes.append(Change(instant: high, before: high + before, after: high + offset(at: high)))
            }
            known = next
        }
        return changes
    }

    /// The highest wall time that was ever shown up to the instant: what the clocks show now, but for the hour after
    /// they went back.
    func highestWall(until instant: Int64) -> Int64 {
        changes(in: instant - Self.longestShift...instant).reduce(wall(at: instant)) { max($0, $1.before - 1) }
    }

    /// The first instant at which the clocks show the wall time or a later one: the first of two when it comes twice, the
    /// end of the gap when it does not come at all.
    func firstInstant(showing wall: Int64) -> Int64 {
        let early = wall - 40 * Self.hour
        var start = early
        var offset = offset(at: early)
        for change in changes(in: early...wall + 16 * Self.hour) {
            let instant = max(start, wall - offset)
            if instant < change.instant { return instant }
            start = change.instant
            offset = change.after - change.instant
        }
        return max(start, wall - offset)
    }
}
