extension CalendarExpression {
    /// Reads a calendar event as systemd.time(7) describes it.
    ///
    /// - Parameter zone: the zone of an expression that names none.
    /// - Throws: `Problem`, for everything that systemd refuses, and for what `CalendarExpression` lists as refused on
    ///   purpose.
    package init(parsing text: String, zone: Zone) throws(Problem) {
        var parser = CalendarParser(text, zone: zone, advises: true)
        self = try parser.parse()
    }

    init(
        zone: Zone, namesZone: Bool, weekdays: UInt8, date: CalendarParser.Date, time: CalendarParser.Time
    ) {
        self.zone = zone
        self.namesZone = namesZone
        self.weekdays = weekdays
        year = date.year
        month = date.month
        // Any day counted from the end is any day.
        day = date.day.isAny ? CalendarField(.day) : date.day
        hour = time.hour
        minute = time.minute
        second = time.second
    }
}

/// Reads an expression from left to right, after its zone, which is whatever follows the last space and is a zone's name.
struct CalendarParser {
    struct Date {
        var year = CalendarField(.year)
        var month = CalendarField(.month)
        var day = CalendarField(.day)
    }

    struct Time {
        var hour = CalendarField(.hour, [.init(start: 0, stop: nil, step: 0)])
        var minute = CalendarField(.minute, [.init(start: 0, stop: nil, step: 0)])
        var second = CalendarField(.second, [.init(start: 0, stop: nil, step: 0)])
    }

    let text: [Character]
    var zone: Zone
    var namesZone = false
    var position = 0
    /// Where the zone begins, or the text ends.
    var end: Int
    /// False while a suggestion is tried out, which needs none itself.
    let advises: Bool

    init(_ text: String, zone: Zone, advises: Bool) {
        self.text = Array(text)
        self.zone = zone
        self.advises = advises
        end = self.text.count
    }

    mutating func parse() throws(CalendarExpression.Problem) -> CalendarExpression {
        let trimmed = String(String(text).drop { $0.isWhitespace })
        guard let first = text.first, !trimmed.isEmpty else {
            throw problem(expected: "a calendar expression, such as daily or Mon..Fri 02:30", trying: "daily")
        }
        if first.isWhitespace { throw problem(expected: "the expression without a space before it", trying: trimmed) }
        try readZone()
        let body = String(text[..<end])
        if let expansion = CalendarShorthand.expansions[body.lowercased()] {
            var parser = CalendarParser(expansion, zone: zone, advises: false)
            parser.namesZone = namesZone
            return try parser.parseEvent()
        }
        return first == "@" ? try parseUnixTime() : try parseEvent()
    }

    private mutating func parseEvent() throws(CalendarExpression.Problem) -> CalendarExpression {
        let weekdays = try readWeekdays()
        var date = Date()
        var time = Time()
        if position < end {
            switch component(at: position) {
            case .date:
                date = try readDate()
                skipSpaces()
                if position < end { time = try readTime() }
            case .time: time = try readTime()
            case .neither(let stop): throw misplaced(at: stop)
            }
        }
        return CalendarExpression(zone: zone, namesZone: namesZone, weekdays: weekdays, date: date, time: time)
    }

    /// `@` and seconds since 1970: one moment, in UTC.
    private mutating func parseUnixTime() throws(CalendarExpression.Problem) -> CalendarExpression {
        position = 1
        let digits = text[position..<end].prefix { $0.isDigit }
        guard !digits.isEmpty, position + digits.count == end else {
            position += digits.count
            throw problem(expected: digits.isEmpty ? "seconds since 1970" : "nothing after the seconds", trying: nil)
        }
        let last = 7_258_118_399
        guard let seconds = Int(String(digits)), seconds <= last,
            let (year, month, day) = Day(number: seconds / 86_400)?.civil
        else { throw problem(expected: "seconds since 1970, up to the year 2199", length: digits.count, trying: nil) }
        func one(_ unit: CalendarUnit, _ value: Int) -> CalendarField {
            CalendarField(unit, [.init(start: value, stop: nil, step: 0)])
        }
        let rest = seconds % 86_400
        return CalendarExpression(
            zone: .utc, namesZone: true, weekdays: CalendarExpression.everyWeekday,
            date: Date(year: one(.year, year), month: one(.month, month), day: one(.day, day)),
            time: Time(
                hour: one(.hour, rest / 3_600), minute: one(.minute, rest / 60 % 60),
                second: one(.second, rest % 60 * 1_000_000)
            )
        )
    }
}

extension CalendarParser {
    /// - Parameters:
    ///   - start: where; the position unless given.
    ///   - length: how much of the text is to blame; one character unless given.
    ///   - candidate: a whole expression, which is suggested if it parses.
    func problem(
        at start: Int? = nil, expected: String, length: Int = 1, trying candidate: String?
    ) -> CalendarExpression.Problem {
        let start = start ?? position
        let found = String(text.dropFirst(start).prefix(min(length, 40)).map { $0.isNewline ? " " : $0 })
        let name =
            switch text.dropFirst(start).first {
            case nil: "the end"
            case " ": "a space"
            case "\t": "a tab"
            case let character? where character.isNewline: "a line break"
            default: "\"\(found)\""
            }
        return CalendarExpression.Problem(
            expression: String(text), column: start + 1, found: name, expected: expected,
            instead: advises ? candidate.flatMap(sound) : nil
        )
    }

    /// The candidate, if it parses.
    private func sound(_ candidate: String) -> String? {
        var parser = CalendarParser(candidate, zone: zone, advises: false)
        return (try? parser.parse()) == nil ? nil : candidate
    }

    /// The whole expression with a part of it exchanged.
    func replacing(_ range: Range<Int>, with word: String) -> String {
        String(text[..<range.lowerBound]) + word + String(text[range.upperBound...])
    }

    mutating func skipSpaces() {
        while position < end, text[position] == " " { position += 1 }
    }

    func peek(_ string: String) -> Bool {
        text[position..<end].starts(with: string)
    }

    mutating func take(_ string: String) -> Bool {
        guard peek(string) else { return false }
        position += string.count
        return true
    }
}

extension Character {
    var isDigit: Bool { isASCII && isNumber }
}
