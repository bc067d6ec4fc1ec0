/// When something is due, in the calendar of a time zone: systemd's calendar events, as `OnCalendar=` takes them.
///
/// `[weekdays] [date] [time] [zone]`, each left out at will but for one: `Mon..Fri *-*-* 02:30:00 Europe/Berlin`. The
/// grammar is that of systemd.time(7), "Calendar events"; systemd-analyze 252 is the oracle of its tests. Years are
/// those from 1970 to 2199.
///
/// What differs from systemd, on purpose:
/// - Seconds have six decimals as there, and the normal form keeps them, but an `Instant` has three: a slot's
///   microseconds below a millisecond are dropped, and slots that then fall together are one.
/// - A zone is `UTC` or an IANA name with a place (`Europe/Berlin`). systemd also takes one-word names and the machine's
///   own abbreviations (`CET`, `EST`, `Japan`), which the zone setting refuses too: an abbreviation belongs to several
///   zones and may know no summer time.
/// - `@` is followed by digits alone; systemd lets spaces and a plus stand between.
/// - A list of days from the month's end may name any up to the 28th. systemd 252 lowers that limit by three for each
///   value after the first, so that it refuses `*-*~22,26` and takes `*-*~26`: nothing that a user could know.
/// - systemd 252 carries a repetition over the end of its component and may lose what lies before (`*-*-03/8` has no 3rd
///   of January after the 27th of December), and at some gaps it finds no next time at all; here nothing is lost.
/// - systemd skips a local time that the clocks jump over, so `02:30` does not run that night; here it runs right after
///   the jump. It runs a rhythm (`*:0/10`) in the first pass only of an hour that comes twice, and then not at all for an
///   hour; here it goes on. `CalendarExpression+Slots.swift` has the rules and the reasons.
package struct CalendarExpression: Sendable, Hashable {
    /// The zone in which its times are meant: the one that it names, else the one it was read with.
    package let zone: Zone
    let namesZone: Bool
    /// Bit 0 is Monday.
    let weekdays: UInt8
    let year: CalendarField
    let month: CalendarField
    /// Of unit `.dayFromEnd` when written with `~`.
    let day: CalendarField
    let hour: CalendarField
    let minute: CalendarField
    let second: CalendarField

    static let everyWeekday: UInt8 = 0b111_1111
    static let weekdayNames = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    static let longWeekdayNames = [
        "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
    ]

    /// Whether every hour of a day matches, so that the expression speaks of minutes within any hour.
    var isEveryHour: Bool { hour.mask == CalendarField(.hour).mask }

    /// Whether it beats a rhythm that users take for elapsed time: in every hour, or by `*` or `/` within an hour.
    var isRhythm: Bool { isEveryHour || minute.isRhythm || second.isRhythm }
}

extension CalendarExpression: CustomStringConvertible {
    /// The normal form, which reads back as the same expression: `Mon..Fri *-*-* 02:30:00 Europe/Berlin`.
    package var description: String {
        let days = weekdays == Self.everyWeekday ? "" : Self.list(ofWeekdays: weekdays) + " "
        let date = "\(year)-\(month)\(day.unit == .dayFromEnd ? "~" : "-")\(day)"
        return "\(days)\(date) \(hour):\(minute):\(second)" + (namesZone ? " \(zone.name)" : "")
    }

    /// Three days in a row or more become a range.
    private static func list(ofWeekdays days: UInt8) -> String {
        var texts: [String] = []
        var index = 0
        while index < 7 {
            var end = index
            while end < 7, days & (1 << end) != 0 { end += 1 }
            switch end - index {
            case 0: end += 1
            case 1, 2: texts += weekdayNames[index..<end]
            default: texts.append("\(weekdayNames[index])..\(weekdayNames[end - 1])")
            }
            index = end
        }
        return texts.joined(separator: ",")
    }
}
