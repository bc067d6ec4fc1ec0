/// A slot as people read it.
package struct ExplainedSlot: Sendable, Hashable {
    package let slot: Slot
    /// What the zone's clocks show then, with their distance from UTC: `Sun 2026-03-29 03:00:00 +02:00`.
    package let wall: String
    /// Set where a change of the clocks moved, merged or repeated something: "02:30 does not exist that day; runs at
    /// 03:00, right after the clocks go forward".
    package let note: String?

    /// The instant in UTC, as `2026-03-29T01:00:00.000Z`.
    package var utc: String { slot.instant.description }
}

extension Schedule {
    /// The next slots after the instant, fewer when the schedule ends before.
    ///
    /// - Parameter zone: whose clocks to show for an interval; a calendar expression has a zone of its own.
    package func explain(after instant: Instant, count: Int, zone: Zone) -> [ExplainedSlot] {
        var slots: [ExplainedSlot] = []
        var now = instant
        while slots.count < count, let slot = next(after: now) {
            let note: String?
            let clock: ZoneClock
            switch self {
            case .every:
                clock = ZoneClock(zone: zone)
                note = nil
            case .calendar(let expression):
                clock = ZoneClock(zone: expression.zone)
                note = expression.note(on: slot.instant.milliseconds, clock)
            }
            slots.append(ExplainedSlot(slot: slot, wall: clock.text(at: slot.instant.milliseconds), note: note))
            now = slot.instant
        }
        return slots
    }
}

extension CalendarExpression {
    /// What a change of the clocks did to the slot at the instant.
    fileprivate func note(on instant: Int64, _ clock: ZoneClock) -> String? {
        if let gap = clock.gap(endingAt: instant), !leavesOut(gap) {
            var search = CalendarSearch(self)
            if let first = search.first(atOrAfter: gap.lowerBound), gap.contains(first),
                let last = search.last(atOrBefore: gap.upperBound - 1)
            {
                return Self.note(onGap: gap, from: first, through: last)
            }
        }
        let wall = clock.wall(at: instant)
        let around = instant - ZoneClock.longestShift...instant + ZoneClock.longestShift
        guard let change = clock.changes(in: around).first(where: { $0.fold.contains(wall) }) else { return nil }
        let time = WallTime(wall).time
        if instant >= change.instant { return "\(time) comes twice; runs at both, this is the second" }
        return "\(time) comes twice; runs at " + (isRhythm ? "both, this is the first" : "the first")
    }

    private static func note(onGap gap: Range<Int64>, from first: Int64, through last: Int64) -> String {
        let isWithinDay = WallTime(first).date == WallTime(gap.upperBound).date
        func text(_ wall: Int64) -> String { isWithinDay ? WallTime(wall).time : WallTime(wall).dateAndTime }
        let end = WallTime(gap.upperBound).time
        return first == last
            ? "\(text(first)) does not exist that day; runs at \(end), right after the clocks go forward"
            : "\(text(first)) to \(text(last)) do not exist that day; one run for all of them at \(end), right after the "
                + "clocks go forward"
    }
}

extension ZoneClock {
    /// `Sun 2026-03-29 03:00:00 +02:00`.
    fileprivate func text(at instant: Int64) -> String {
        let offset = offset(at: instant) / 1_000
        let wall = WallTime(wall(at: instant))
        let size = offset.magnitude
        let seconds = size % 60 == 0 ? "" : ":" + WallTime.two(Int64(size % 60))
        let sign = offset < 0 ? "-" : "+"
        return "\(wall.weekday) \(wall.dateAndTime) "
            + "\(sign)\(WallTime.two(Int64(size / 3_600))):\(WallTime.two(Int64(size / 60 % 60)))\(seconds)"
    }
}

/// A wall time in words.
private struct WallTime {
    let dayNumber: Int64
    let ofDay: Int64

    init(_ wall: Int64) {
        (dayNumber, ofDay) = wall.flooredDivision(by: 86_400_000)
    }

    /// 1970-01-01 was a Thursday.
    var weekday: String { CalendarExpression.weekdayNames[Int((dayNumber + 3).flooredDivision(by: 7).remainder)] }

    var date: String { Day(number: Int(dayNumber))?.description ?? "day \(dayNumber)" }

    /// As short as it can be: `02:30`, `02:30:05`, `02:30:05.250`.
    var time: String {
        let rest = ofDay % 60_000
        let seconds = rest == 0 ? "" : ":" + Self.two(rest / 1_000)
        return "\(Self.two(ofDay / 3_600_000)):\(Self.two(ofDay / 60_000 % 60))\(seconds)\(fraction)"
    }

    var dateAndTime: String {
        let clock = "\(Self.two(ofDay / 3_600_000)):\(Self.two(ofDay / 60_000 % 60)):\(Self.two(ofDay / 1_000 % 60))"
        return "\(date) \(clock)\(fraction)"
    }

    private var fraction: String {
        let milliseconds = ofDay % 1_000
        return milliseconds == 0 ? "" : ".\(String(milliseconds + 1_000).dropFirst())"
    }

    static func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
