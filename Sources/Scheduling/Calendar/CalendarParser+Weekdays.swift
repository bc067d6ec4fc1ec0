extension CalendarExpression {
    /// 0 for Monday; short or long, in any case.
    static func weekday(named word: some StringProtocol) -> Int? {
        let name = word.lowercased()
        return weekdayNames.firstIndex { $0.lowercased() == name }
            ?? longWeekdayNames.firstIndex { $0.lowercased() == name }
    }
}

extension CalendarParser {
    /// The weekdays in front, and the spaces after them; every weekday when there are none.
    ///
    /// A list may end in a comma (`Wed, 17:48`), and `-` makes a range as `..` does. Weeks begin on Monday, and no range
    /// runs over their end.
    mutating func readWeekdays() throws(CalendarExpression.Problem) -> UInt8 {
        guard position < end, text[position].isLetter else { return CalendarExpression.everyWeekday }
        var days: UInt8 = 0
        repeat {
            let start = position
            let first = try readWeekday()
            var last = first
            if take("..") || take("-") { last = try readWeekday() }
            guard first <= last else { throw backwards(from: first, through: last, at: start) }
            for day in first...last { days |= 1 << UInt8(day) }
            if position == end || text[position] == " " { break }
            guard take(",") else {
                throw problem(
                    expected: "a comma, a range or a space after the weekday",
                    trying: replacing(position..<position, with: " ")
                )
            }
        } while position < end && text[position] != " "
        skipSpaces()
        return days
    }

    private mutating func readWeekday() throws(CalendarExpression.Problem) -> Int {
        let word = text[position..<end].prefix { $0.isLetter }
        guard let day = CalendarExpression.weekday(named: String(word)) else {
            throw notAWeekday(String(word))
        }
        position += word.count
        return day
    }

    private func notAWeekday(_ word: String) -> CalendarExpression.Problem {
        let range = position..<(position + word.count)
        let days = CalendarExpression.weekdayNames + CalendarExpression.longWeekdayNames
        guard position == 0, !word.isEmpty else {
            let day = Spelling.nearest(to: word, among: days)
            return problem(
                expected: "a weekday, such as Mon", length: max(1, word.count),
                trying: day.map { replacing(range, with: $0) }
            )
        }
        // `daily ` and `daily 12:00` begin with a word that would be right alone.
        if CalendarShorthand.expansions[word.lowercased()] != nil {
            let rest = String(text[range.upperBound..<end]).drop { $0 == " " }
            let zone = String(text[end...])
            return problem(
                at: range.upperBound, expected: "nothing but a time zone after \(word)",
                trying: rest.isEmpty ? word + zone : rest + zone
            )
        }
        let meant = Spelling.nearest(to: word, among: days + CalendarShorthand.words)
        return problem(
            expected: "a weekday, a date, a time or a word such as daily", length: word.count,
            trying: meant.map { replacing(range, with: $0) }
        )
    }

    private func backwards(from first: Int, through last: Int, at start: Int) -> CalendarExpression.Problem {
        let names = CalendarExpression.weekdayNames
        func range(_ days: ClosedRange<Int>) -> String {
            days.count == 1 ? names[days.lowerBound] : "\(names[days.lowerBound])..\(names[days.upperBound])"
        }
        return problem(
            at: start, expected: "a range within the week, which begins on Monday", length: position - start,
            trying: replacing(start..<position, with: range(0...last) + "," + range(first...6))
        )
    }
}
