/// Durations as people write them: whole numbers with units, largest unit first, as in `90d`, `12h`, `250ms` or
/// `1h30m`.
///
/// A bare number has no meaning here: whoever writes `90` may mean seconds or days, and a retention run must never
/// guess. Every text that is refused comes back with what to write in its place.
package enum DurationText {
    /// A unit of fixed length; days have 24 hours and weeks seven days, whatever a zone's clocks do. Largest first.
    package enum Unit: String, CaseIterable, Sendable {
        case weeks = "w"
        case days = "d"
        case hours = "h"
        case minutes = "m"
        case seconds = "s"
        case milliseconds = "ms"

        /// Its length in milliseconds.
        package var length: Int64 {
            switch self {
            case .weeks: 604_800_000
            case .days: 86_400_000
            case .hours: 3_600_000
            case .minutes: 60_000
            case .seconds: 1_000
            case .milliseconds: 1
            }
        }
    }

    /// The duration that a text means: from 1ms up to what 64 bits of milliseconds hold.
    ///
    /// - Throws: `Problem`, for an empty text, a bare number, an unknown, repeated or misordered unit, a sign, a space,
    ///   a fraction, a total of zero and a total that is too long.
    package static func parse(_ text: String) throws(Problem) -> Duration {
        try refuseForeignCharacters(in: text)
        let parts = try split(text)
        guard zip(parts, parts.dropFirst()).allSatisfy({ $0.unit.length > $1.unit.length }) else {
            throw disorder(among: parts)
        }
        guard let milliseconds = total(of: parts) else {
            throw Problem("is longer than can be counted", instead: ["90d"])
        }
        guard milliseconds > 0 else { throw Problem("is zero", instead: ["1ms"], isOnlyAnExample: true) }
        return .milliseconds(milliseconds)
    }

    /// The shortest text for a duration, rounded to whole milliseconds: `90m` rather than `1h30m`, `1w` rather than
    /// `7d`.
    ///
    /// What `parse` gave comes back as an equal duration. Zero (`0s`) and negative durations (`-5m`) are shown, but do
    /// not parse.
    package static func format(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let half: Int128 = attoseconds < 0 ? -500_000_000_000_000 : 500_000_000_000_000
        let milliseconds = Int128(seconds) * 1_000 + (Int128(attoseconds) + half) / 1_000_000_000_000_000
        guard milliseconds != 0 else { return "0s" }
        // Six units have 63 subsets, few enough to try each; large units come first, so that they win a draw.
        var shortest: String?
        for subset in 1..<(1 << Unit.allCases.count) {
            let units = Unit.allCases.enumerated().filter { subset & (1 << $0.offset) != 0 }.map(\.element)
            guard let text = spell(milliseconds.magnitude, in: units) else { continue }
            if text.utf8.count < shortest?.utf8.count ?? .max { shortest = text }
        }
        return (milliseconds < 0 ? "-" : "") + (shortest ?? "\(milliseconds.magnitude)ms")
    }

    /// Nil when the units leave a remainder.
    private static func spell(_ milliseconds: UInt128, in units: [Unit]) -> String? {
        var rest = milliseconds
        var text = ""
        for unit in units where rest >= UInt128(unit.length) {
            let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: UInt128(unit.length))
            text += "\(quotient)\(unit.rawValue)"
            rest = remainder
        }
        return rest == 0 ? text : nil
    }

    /// Nil when the sum does not fit.
    private static func total(of parts: [Part]) -> Int64? {
        var sum: Int64 = 0
        for part in parts {
            let (length, tooLong) = part.number.multipliedReportingOverflow(by: part.unit.length)
            let (next, overflow) = sum.addingReportingOverflow(length)
            guard !tooLong, !overflow else { return nil }
            sum = next
        }
        return sum
    }
}

extension DurationText {
    private struct Part {
        var number: Int64
        var unit: Unit
    }

    private static func split(_ text: String) throws(Problem) -> [Part] {
        guard !text.isEmpty else { throw Problem("is empty", instead: ["5m"], isOnlyAnExample: true) }
        var parts: [Part] = []
        var rest = text[...]
        while !rest.isEmpty {
            let digits = rest.prefix(while: isDigit)
            let word = rest.dropFirst(digits.count).prefix { !isDigit($0) }
            guard !digits.isEmpty else { throw Problem("is no duration", instead: ["5m"], isOnlyAnExample: true) }
            guard let number = Int64(digits) else { throw Problem("is longer than can be counted", instead: ["90d"]) }
            guard !word.isEmpty else { throw missingUnit(after: number, in: text, last: parts.last?.unit) }
            guard let unit = Unit(rawValue: String(word)) else { throw unknownUnit(word, after: number, in: text) }
            parts.append(Part(number: number, unit: unit))
            rest = rest[word.endIndex...]
        }
        return parts
    }

    private static func isDigit(_ character: Character) -> Bool {
        character.isASCII && character.isNumber
    }

    private static func refuseForeignCharacters(in text: String) throws(Problem) {
        if let sign = text.first, sign == "-" || sign == "+" {
            throw Problem(sign == "-" ? "is negative" : "has a sign", trying: String(text.dropFirst()))
        }
        if text.contains(where: \.isWhitespace) {
            throw Problem("has a space in it", trying: text.filter { !$0.isWhitespace })
        }
        if text.contains(".") || text.contains(",") {
            throw Problem("has a fraction", trying: wholeNumbers(for: text))
        }
    }

    private static func missingUnit(after number: Int64, in text: String, last: Unit?) -> Problem {
        guard let last else {
            return Problem(bareNumber: number)
        }
        let smaller = Unit.allCases.first { $0.length < last.length }
        return Problem("has no unit after \(number)", trying: smaller.map { text + $0.rawValue })
    }

    private static func unknownUnit(_ word: Substring, after number: Int64, in text: String) -> Problem {
        let reason = "has an unknown unit \"\(word.prefix(20))\""
        let name = word.lowercased()
        if ["y", "yr", "year", "years"].contains(name), number <= 1_000 {
            return Problem(reason, trying: "\(number * 365)d")
        }
        let known = Unit.allCases.first { $0.otherNames.contains(name) }
        let mended = known.map { text[..<word.startIndex] + $0.rawValue + text[word.endIndex...] }
        return Problem(reason, trying: mended.map { String($0) })
    }

    private static func disorder(among parts: [Part]) -> Problem {
        let isRepeated = Set(parts.map(\.unit)).count < parts.count
        return Problem(
            isRepeated ? "names a unit twice" : "has its units out of order",
            trying: total(of: parts).map { format(.milliseconds($0)) }
        )
    }

    /// `1.5h` as `90m`. Nil unless there is one number, one unit, and the product is whole milliseconds.
    private static func wholeNumbers(for text: String) -> String? {
        let halves = text.split(omittingEmptySubsequences: false) { $0 == "." || $0 == "," }
        guard halves.count == 2 else { return nil }
        let fraction = halves[1].prefix(while: isDigit)
        guard let unit = Unit(rawValue: String(halves[1].dropFirst(fraction.count))), fraction.count <= 6,
            let digits = Int64(halves[0] + fraction), halves[0].allSatisfy(isDigit), digits <= 1_000_000_000
        else { return nil }
        let scale = (0..<fraction.count).reduce(Int64(1)) { power, _ in power * 10 }
        let (milliseconds, remainder) = (digits * unit.length).quotientAndRemainder(dividingBy: scale)
        return remainder == 0 ? format(.milliseconds(milliseconds)) : nil
    }
}

extension DurationText.Unit {
    /// Lower-case words that people write for it. `M` is among the minutes, as no month is a unit here.
    fileprivate var otherNames: [String] {
        switch self {
        case .weeks: ["w", "wk", "wks", "week", "weeks"]
        case .days: ["d", "day", "days"]
        case .hours: ["h", "hr", "hrs", "hour", "hours"]
        case .minutes: ["m", "min", "mins", "minute", "minutes"]
        case .seconds: ["s", "sec", "secs", "second", "seconds"]
        case .milliseconds: ["ms", "msec", "msecs", "milli", "millis", "millisecond", "milliseconds"]
        }
    }
}
