/// The components of a calendar expression, with the values that each may take (systemd.time(7), "Calendar events";
/// the limits that the page leaves out are those that systemd 252 was seen to keep).
enum CalendarUnit: Sendable, Hashable {
    case year
    case month
    case day
    /// Days counted from the month's end: 1 is its last day. Up to 28, so that every month has them all.
    case dayFromEnd
    case hour
    case minute
    /// In microseconds.
    case second

    /// The values that may be written; seconds in microseconds.
    var range: ClosedRange<Int> {
        switch self {
        case .year: 1970...2199
        case .month: 1...12
        case .day: 1...31
        case .dayFromEnd: 1...28
        case .hour: 0...23
        case .minute: 0...59
        case .second: 0...59_999_999
        }
    }

    /// The distance between neighbours: a second has a million microseconds, all else counts by one.
    var grain: Int { self == .second ? 1_000_000 : 1 }

    /// What a complaint calls it.
    var name: String {
        switch self {
        case .year: "the year"
        case .month: "the month"
        case .day, .dayFromEnd: "the day"
        case .hour: "the hour"
        case .minute: "the minute"
        case .second: "the seconds"
        }
    }

    /// What a reader is told to write.
    var expectation: String {
        switch self {
        case .year: "a year from 1970 to 2199"
        case .month: "a month from 1 to 12"
        case .day: "a day from 1 to 31"
        case .dayFromEnd: "a day from the month's end, from 1 (the last) to 28"
        case .hour: "an hour from 0 to 23"
        case .minute: "a minute from 0 to 59"
        case .second: "seconds from 0 to 59.999999"
        }
    }
}
