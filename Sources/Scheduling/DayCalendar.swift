import Foundation

/// Says which calendar day of a zone an instant belongs to, and where a day begins and ends.
///
/// Foundation answers for a zone's offsets (it reads the machine's tzdata), but too slowly to be asked for every row, so the offsets
/// of each UTC day that was ever asked for are kept: one offset, or two with the second at which the first gives way to the other.
/// A value with a cache of its own: copy it, and the copy keeps its own.
package struct DayCalendar: Sendable {
    package let zone: Zone
    private let isUTC: Bool
    private var offsets: [Int32: Offsets] = [:]
    private var latest: (day: Int32, offsets: Offsets)?

    /// Offsets in seconds east of UTC within one UTC day. Two changes within one UTC day occur in no zone of tzdata.
    private struct Offsets {
        var before: Int64
        var changesAt: Int64
        var after: Int64
    }

    package init(zone: Zone) {
        self.zone = zone
        isUTC = ["UTC", "GMT", "Etc/UTC", "Etc/GMT", "Zulu", "Etc/Zulu", "Etc/UCT", "UCT"].contains(zone.name)
    }

    package static var utc: DayCalendar { DayCalendar(zone: .utc) }

    /// Nil when the day falls outside the years 0000 to 9999.
    package mutating func day(of instant: Instant) -> Day? {
        var seconds = instant.milliseconds.flooredDivision(by: 1000).quotient
        if !isUTC { seconds += offset(at: seconds) }
        return Day(number: Int(seconds.flooredDivision(by: 86_400).quotient))
    }

    /// The first instant of the day and the first of the next: 23, 24 or 25 hours apart, rarely something else.
    package mutating func bounds(of day: Day) -> Range<Instant> {
        let start = start(ofDayNumber: Int64(day.number))
        let end = self.start(ofDayNumber: Int64(day.number) + 1)
        return start..<max(start, end)
    }

    /// Seconds east of UTC at the instant.
    package mutating func offsetSeconds(at instant: Instant) -> Int {
        isUTC ? 0 : Int(offset(at: instant.milliseconds.flooredDivision(by: 1000).quotient))
    }

    private mutating func start(ofDayNumber number: Int64) -> Instant {
        let midnight = number * 86_400
        guard !isUTC else { return Instant(milliseconds: midnight * 1000) }
        // The earliest second that already belongs to the day: days only ever grow with time but for zones that moved back across
        // midnight, where the later part of the old day counts for the old day.
        var low = midnight - 86_400
        var high = midnight + 86_400
        while low < high {
            let middle = low + (high - low) / 2
            if middle + offset(at: middle) >= midnight { high = middle } else { low = middle + 1 }
        }
        return Instant(milliseconds: low * 1000)
    }

    private mutating func offset(at seconds: Int64) -> Int64 {
        let (quotient, _) = seconds.flooredDivision(by: 86_400)
        let utcDay = Int32(clamping: quotient)
        let known: Offsets
        if let latest, latest.day == utcDay {
            known = latest.offsets
        } else if let kept = offsets[utcDay] {
            known = kept
            latest = (utcDay, kept)
        } else {
            known = ask(utcDay: Int64(utcDay))
            // A table of hostile dates must not grow this without bound: 4,096 days are eleven years of usage.
            if offsets.count >= 4_096 { offsets.removeAll(keepingCapacity: true) }
            offsets[utcDay] = known
            latest = (utcDay, known)
        }
        return seconds < known.changesAt ? known.before : known.after
    }

    private func ask(utcDay: Int64) -> Offsets {
        func offset(_ seconds: Int64) -> Int64 {
            Int64(zone.timeZone.secondsFromGMT(for: Date(timeIntervalSince1970: TimeInterval(seconds))))
        }
        var low = utcDay * 86_400
        var high = low + 86_399
        let before = offset(low)
        let after = offset(high)
        guard before != after else { return Offsets(before: before, changesAt: .min, after: after) }
        while low < high {
            let middle = low + (high - low) / 2
            if offset(middle) == before { low = middle + 1 } else { high = middle }
        }
        return Offsets(before: before, changesAt: low, after: after)
    }
}
