/// A point in time of the wall clock, in milliseconds since 1970-01-01T00:00:00Z, as the database's own columns and JavaScript
/// have it. Sub-millisecond parts of a text are dropped, as `Date` in JavaScript drops them.
package struct Instant: Hashable, Comparable, Sendable {
    package var milliseconds: Int64

    package init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    package static func < (left: Instant, right: Instant) -> Bool {
        left.milliseconds < right.milliseconds
    }

    /// Whole milliseconds; stays at the ends of the range instead of passing them.
    package func advanced(by duration: Duration) -> Instant {
        let (seconds, attoseconds) = duration.components
        let count = Int128(seconds) * 1_000 + Int128(attoseconds / 1_000_000_000_000_000)
        return Instant(milliseconds: Int64(clamping: Int128(milliseconds) + count))
    }

    /// The Unix times that are taken for seconds: 1973-03-03 to 5138-11-16. What lies below is a number with another meaning
    /// (a Julian day, `20261123`), what lies above is milliseconds.
    static let seconds = 100_000_000.0..<100_000_000_000.0
    /// The Unix times that are taken for milliseconds: the same span.
    static let milliseconds = 100_000_000_000.0..<100_000_000_000_000.0

    /// Reads a Unix time in seconds or milliseconds; nil when the number can be neither.
    package init?(unix value: Double) {
        if Self.seconds.contains(value) {
            milliseconds = Int64((value * 1000).rounded(.down))
        } else if Self.milliseconds.contains(value) {
            milliseconds = Int64(value.rounded(.down))
        } else {
            return nil
        }
    }

    /// Reads `YYYY-MM-DD`, then optionally `T` or a space and `HH:MM[:SS[.fraction]]`, then optionally `Z`, `±HH:MM`, `±HHMM` or `±HH`.
    ///
    /// A text without a zone is UTC, as SQLite's CURRENT_TIMESTAMP is. Nil for everything else, also for a date or an hour that does not
    /// exist (SQLite would read February 31 as March 3). ISO 8601-1:2019 sections 5.2.2.1, 5.3.1.2, 5.3.4.1; RFC 3339 section 5.6.
    package init?(iso8601 text: UnsafeBufferPointer<UInt8>) {
        guard text.count >= 10, text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"),
            let year = Self.digits(text, 0, 4), let month = Self.digits(text, 5, 2), let day = Self.digits(text, 8, 2),
            (1...12).contains(month), day >= 1, day <= Day.length(ofMonth: month, year: year)
        else { return nil }
        var result = Int64(Day.number(year: year, month: month, day: day)) * 86_400_000
        if text.count > 10 {
            guard text[10] == UInt8(ascii: "T") || text[10] == UInt8(ascii: " ") || text[10] == UInt8(ascii: "t"),
                text.count >= 16, text[13] == UInt8(ascii: ":"),
                let hour = Self.digits(text, 11, 2), let minute = Self.digits(text, 14, 2), hour < 24, minute < 60
            else { return nil }
            result += Int64(hour * 3_600_000 + minute * 60_000)
            var index = 16
            if index < text.count, text[index] == UInt8(ascii: ":") {
                guard let second = Self.digits(text, index + 1, 2), second < 60 else { return nil }
                result += Int64(second * 1000)
                index += 3
                if index < text.count, text[index] == UInt8(ascii: ".") {
                    var scale: Int64 = 100
                    index += 1
                    let start = index
                    while index < text.count, text[index] &- 48 < 10 {
                        result += Int64(text[index] &- 48) * scale
                        scale /= 10
                        index += 1
                    }
                    guard index > start else { return nil }
                }
            }
            guard let offset = Self.offsetMinutes(text, from: index) else { return nil }
            result -= Int64(offset) * 60_000
        }
        milliseconds = result
    }

    package init?(iso8601 text: String) {
        var copy = text
        guard let read = copy.withUTF8({ Instant(iso8601: $0) }) else { return nil }
        self = read
    }

    private static func offsetMinutes(_ text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
        if start == text.count { return 0 }
        let sign = text[start]
        if sign == UInt8(ascii: "Z") || sign == UInt8(ascii: "z") { return start + 1 == text.count ? 0 : nil }
        guard sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-"), let hours = digits(text, start + 1, 2), hours < 24
        else {
            return nil
        }
        var minutes = 0
        switch text.count - start {
        case 3: break
        case 5:
            guard let read = digits(text, start + 3, 2) else { return nil }
            minutes = read
        case 6:
            guard text[start + 3] == UInt8(ascii: ":"), let read = digits(text, start + 4, 2) else { return nil }
            minutes = read
        default: return nil
        }
        guard minutes < 60 else { return nil }
        return (hours * 60 + minutes) * (sign == UInt8(ascii: "-") ? -1 : 1)
    }

    @inline(__always)
    private static func digits(_ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ count: Int) -> Int? {
        guard start + count <= text.count else { return nil }
        var value = 0
        for index in start..<(start + count) {
            let digit = Int(text[index]) - 48
            guard digit >= 0, digit <= 9 else { return nil }
            value = value * 10 + digit
        }
        return value
    }
}

extension Instant: CustomStringConvertible {
    /// `YYYY-MM-DDTHH:MM:SS.mmmZ`, as JavaScript's toISOString writes it; a plain number outside the years 0000 to 9999.
    package var description: String {
        let (number, ofDay) = milliseconds.flooredDivision(by: 86_400_000)
        guard let day = Day(number: Int(number)) else { return "\(milliseconds) ms" }
        func padded(_ value: Int64, _ width: Int) -> String {
            let digits = String(value)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return
            "\(day)T\(padded(ofDay / 3_600_000, 2)):\(padded(ofDay / 60_000 % 60, 2)):\(padded(ofDay / 1000 % 60, 2))"
            + ".\(padded(ofDay % 1000, 3))Z"
    }
}

extension Int64 {
    /// Quotient toward negative infinity, and the remainder that is never negative.
    func flooredDivision(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
