import Foundation

@testable import Scheduling

/// What DST does to a wall time, told a second time and in another way than the program tells it: from Foundation's list
/// of changes, second by second. All times in seconds; wall times are counted as though they were UTC.
struct WallClock {
    let zone: Zone

    struct Change {
        let seconds: Int64
        let before: Int64
        let after: Int64

        /// Wall times that do not exist.
        func skips(_ wall: Int64) -> Bool { wall >= seconds + before && wall < seconds + after }
        /// Wall times that come twice.
        func repeats(_ wall: Int64) -> Bool { wall >= seconds + after && wall < seconds + before }
        /// Instants of the second pass.
        func isSecondPass(_ instant: Int64) -> Bool { instant >= seconds && instant < seconds + before - after }
    }

    func offset(_ seconds: Int64) -> Int64 {
        Int64(zone.timeZone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds))))
    }

    func changes(after start: Int64, count: Int) -> [Change] {
        var changes: [Change] = []
        var date = Date(timeIntervalSince1970: Double(start))
        while changes.count < count, let next = zone.timeZone.nextDaylightSavingTimeTransition(after: date), next > date
        {
            let seconds = Int64(next.timeIntervalSince1970)
            let change = Change(seconds: seconds, before: offset(seconds - 1), after: offset(seconds))
            if change.before != change.after { changes.append(change) }
            date = next
        }
        return changes
    }

    func changes(from start: Int64, through end: Int64) -> [Change] {
        var found: [Change] = []
        var from = start - 1
        while let next = changes(after: from, count: 1).first, next.seconds <= end {
            found.append(next)
            from = next.seconds
        }
        return found
    }
}
