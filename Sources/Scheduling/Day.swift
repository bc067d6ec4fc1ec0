/// A calendar day of the proleptic Gregorian calendar, without a zone: the unit in which usage is totalled.
///
/// Ranges over the years 0000 to 9999, which is what `YYYY-MM-DD` can write and SQLite's date functions read
/// (sqlite.org/lang_datefunc.html). Which instants belong to a day is a `DayCalendar`'s business.
package struct Day: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Days since 1970-01-01.
    package let number: Int32

    /// 0000-01-01 and 9999-12-31.
    package static let first = Day(unchecked: -719_528)
    package static let last = Day(unchecked: 2_932_896)

    private init(unchecked number: Int32) {
        self.number = number
    }

    /// Nil outside the years 0000 to 9999.
    package init?(number: Int) {
        guard number >= Int(Self.first.number), number <= Int(Self.last.number) else { return nil }
        self.number = Int32(number)
    }

    /// Nil for a date that the calendar does not have, such as February 30.
    package init?(year: Int, month: Int, day: Int) {
        guard (0...9999).contains(year), (1...12).contains(month), (1...31).contains(day),
            day <= Self.length(ofMonth: month, year: year)
        else { return nil }
        number = Int32(Self.number(year: year, month: month, day: day))
    }

    /// Reads exactly `YYYY-MM-DD`.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-") else { return nil }
        func digits(_ range: Range<Int>) -> Int? {
            range.reduce(into: Int?(0)) { value, index in
                let digit = Int(bytes[index]) - 48
                value = (0...9).contains(digit) ? value.map { $0 * 10 + digit } : nil
            }
        }
        guard let year = digits(0..<4), let month = digits(5..<7), let day = digits(8..<10) else { return nil }
        self.init(year: year, month: month, day: day)
    }

    /// `YYYY-MM-DD`.
    package var description: String {
        let (year, month, day) = civil
        return String(unsafeUninitializedCapacity: 10) { out in
            func put(_ value: Int, at index: Int, width: Int) {
                var rest = value
                for offset in stride(from: width - 1, through: 0, by: -1) {
                    out[index + offset] = UInt8(48 + rest % 10)
                    rest /= 10
                }
            }
            put(year, at: 0, width: 4)
            out[4] = UInt8(ascii: "-")
            put(month, at: 5, width: 2)
            out[7] = UInt8(ascii: "-")
            put(day, at: 8, width: 2)
            return 10
        }
    }

    package var civil: (year: Int, month: Int, day: Int) {
        // Days to civil by eras of 400 years (146,097 days), with years that start on March 1 so that the leap day comes last.
        let shifted = Int(number) + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    /// The day `count` days later; nil past the range.
    package func advanced(by count: Int) -> Day? {
        Day(number: Int(number) + count)
    }

    package static func < (left: Day, right: Day) -> Bool {
        left.number < right.number
    }

    /// Days since 1970-01-01 of a date taken as valid: the inverse of `civil`.
    static func number(year: Int, month: Int, day: Int) -> Int {
        let marchYear = month <= 2 ? year - 1 : year
        let era = (marchYear >= 0 ? marchYear : marchYear - 399) / 400
        let yearOfEra = marchYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    static func length(ofMonth month: Int, year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}
