import Foundation

extension CalendarParser {
    /// Takes the last word for a zone if it is one, and complains about it if it can be nothing else.
    mutating func readZone() throws(CalendarExpression.Problem) {
        guard let space = text.lastIndex(of: " "), space + 1 < text.count else { return }
        let word = String(text[(space + 1)...])
        if word.lowercased() == "utc" {
            zone = .utc
        } else if let named = Self.zone(named: word) {
            zone = named
        } else {
            guard let first = word.first, first.isLetter, !word.contains(":") else { return }
            throw unknownZone(word, at: space + 1)
        }
        namesZone = true
        end = space
    }

    /// A name of the IANA database with a place, written as it is written there.
    private static func zone(named name: String) -> Zone? {
        guard name.contains("/"), !name.contains(".") else { return nil }
        return Zone(name)
    }

    private func unknownZone(_ word: String, at start: Int) -> CalendarExpression.Problem {
        let range = start..<text.count
        if CalendarExpression.weekday(named: word) != nil {
            let before = String(text[..<(start - 1)])
            let joined = before.hasSuffix(",") ? before + word : "\(before),\(word)"
            return problem(
                at: start, expected: "weekdays in front, joined by commas, or a time zone", length: word.count,
                trying: joined
            )
        }
        let isShort = !word.contains("/") && Zone(word) != nil
        let candidate = Zone.nearest(to: word).map { replacing(range, with: $0) }
        return problem(
            at: start,
            expected: isShort
                ? "the zone of a place, such as Europe/Berlin, rather than an abbreviation"
                : "UTC or an IANA time zone, such as Europe/Berlin",
            length: word.count, trying: candidate
        )
    }
}
