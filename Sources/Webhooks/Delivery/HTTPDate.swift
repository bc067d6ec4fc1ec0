import Scheduling

/// A date in a header, in the three forms that a recipient must read. RFC 9110 section 5.6.7.
///
///     Sun, 06 Nov 1994 08:49:37 GMT     IMF-fixdate
///     Sunday, 06-Nov-94 08:49:37 GMT    RFC 850
///     Sun Nov  6 08:49:37 1994          C's asctime
enum HTTPDate {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    private static let longDays = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

    /// Nil for every other text, also for a date that does not exist. Whether the day's name is that date's is not asked.
    ///
    /// - Parameter now: decides the century of two digits: never more than 50 years ahead.
    static func parse(_ text: Substring, at now: Instant) -> Instant? {
        // Each form has its own length but for the name in the second, so the words tell them apart.
        let words = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard let first = words.first else { return nil }
        if words.count == 6, first.hasSuffix(","), isShortDay(first.dropLast()), words[5] == "GMT" {
            return instant(words[1], words[2], words[3], words[4])
        }
        if words.count == 4, first.hasSuffix(","), longDays.contains(String(first.dropLast())), words[3] == "GMT" {
            let date = words[1].split(separator: "-", omittingEmptySubsequences: false).map(String.init)
            guard date.count == 3, let year = digits(date[2], 2) else { return nil }
            return ofTwoDigits(year, at: now) { instant(date[0], date[1], $0, words[2]) }
        }
        // A day below ten has a space before it, hence an empty word.
        if isShortDay(first[...]), words.count == 5 {
            return words[2].utf8.count == 2 ? instant(words[2], words[1], words[4], words[3]) : nil
        }
        if isShortDay(first[...]), words.count == 6, words[2].isEmpty, words[3].utf8.count == 1 {
            return instant("0" + words[3], words[1], words[5], words[4])
        }
        return nil
    }

    private static func isShortDay(_ word: Substring) -> Bool {
        word.utf8.count == 3 && longDays.contains { $0.hasPrefix(word) }
    }

    private static func instant(_ day: String, _ month: String, _ year: String, _ time: String) -> Instant? {
        let clock = time.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard let dayNumber = digits(day, 2), let monthIndex = months.firstIndex(of: month),
            let yearNumber = digits(year, 4), clock.count == 3, let hour = digits(clock[0], 2),
            let minute = digits(clock[1], 2), let second = digits(clock[2], 2), hour < 24, minute < 60,
            // The grammar has a leap second; it is the same instant as the second after it.
            second <= 60, let date = Day(year: yearNumber, month: monthIndex + 1, day: dayNumber)
        else { return nil }
        let seconds = Int64(date.number) * 86_400 + Int64(hour * 3_600 + minute * 60 + second)
        return Instant(milliseconds: seconds * 1_000)
    }

    /// "more than 50 years in the future": the same two digits in the most recent past year instead.
    private static func ofTwoDigits(_ year: Int, at now: Instant, _ make: (String) -> Instant?) -> Instant? {
        let day = Day(number: Int((Double(now.milliseconds) / 86_400_000).rounded(.down)))
        guard let today = day?.civil.year, today >= 100, today < 9_900 else { return nil }
        // The latest year with these digits that is at most 50 years ahead. The year alone decides; the wait is cut to a
        // day, so nobody can tell.
        let ahead = today + 50
        let full = ahead - (ahead - year) % 100
        return make(full < 1_000 ? "0\(full)" : "\(full)")
    }

    private static func digits(_ text: String, _ count: Int) -> Int? {
        guard text.utf8.count == count, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(text)
    }
}
