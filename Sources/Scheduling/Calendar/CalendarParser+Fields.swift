extension CalendarParser {
    enum Component {
        case date
        case time
        /// No `-`, `~` or `:` follows; the position where it should.
        case neither(Int)
    }

    /// Whether a date or a time stands at the position: the first character that no list of numbers can hold tells.
    func component(at start: Int) -> Component {
        let stop = text[start..<end].firstIndex { !($0.isDigit || "*,./".contains($0)) } ?? end
        guard stop > start, stop < end else { return .neither(stop) }
        switch text[stop] {
        case "-", "~": return .date
        case ":": return .time
        default: return .neither(stop)
        }
    }

    func misplaced(at stop: Int) -> CalendarExpression.Problem {
        let body = text[position..<stop]
        let isOneNumber = !body.isEmpty && body.allSatisfy(\.isDigit)
        return problem(
            at: stop,
            expected: stop == position ? "a date or a time" : "a - within a date or a : within a time",
            trying: isOneNumber ? replacing(position..<stop, with: String(body) + ":00") : nil
        )
    }

    /// `year-month-day` or `month-day`, with `~` before a day that counts from the month's end.
    mutating func readDate() throws(CalendarExpression.Problem) -> Date {
        let stop = text[position..<end].firstIndex(of: " ") ?? end
        let separators = (position..<stop).filter { text[$0] == "-" || text[$0] == "~" }
        var date = Date()
        if separators.count > 1 {
            date.year = try readField(.year)
            guard take("-") else { throw problem(expected: "a - between year and month", trying: nil) }
        }
        let start = position
        do throws(CalendarExpression.Problem) {
            date.month = try readField(.month)
        } catch {
            // `2026-12` is a year and a month to most.
            let isYear = separators.count == 1 && text[start..<separators[0]].count == 4
            throw isYear
                ? problem(
                    at: start, expected: error.expected, length: 4, trying: replacing(stop..<stop, with: "-01"))
                : error
        }
        let fromEnd = peek("~")
        guard take("-") || take("~") else { throw problem(expected: "a - or a ~ between month and day", trying: nil) }
        date.day = try readField(fromEnd ? .dayFromEnd : .day)
        guard position == end || text[position] == " " else {
            let candidate = text[position] == "T" ? replacing(position..<(position + 1), with: " ") : nil
            throw problem(expected: "a space after the date, or its end", trying: candidate)
        }
        return date
    }

    /// `hour:minute` or `hour:minute:second`, up to the end.
    mutating func readTime() throws(CalendarExpression.Problem) -> Time {
        var time = Time()
        time.hour = try readField(.hour)
        guard take(":") else {
            throw problem(
                expected: "a : between hour and minute", trying: replacing(position..<position, with: ":00"))
        }
        time.minute = try readField(.minute)
        if take(":") { time.second = try readField(.second) }
        guard position == end else {
            let rest = String(text[position..<end])
            let isBlank = rest.allSatisfy { $0 == " " }
            throw problem(
                expected: isBlank ? "nothing, or one space before a time zone" : "the end of the time",
                trying: replacing(
                    position..<end, with: isBlank ? "" : rest.hasPrefix("-") ? ".." + rest.dropFirst() : "")
            )
        }
        return time
    }

    /// `*`, or values, ranges and repetitions joined by commas.
    private mutating func readField(_ unit: CalendarUnit) throws(CalendarExpression.Problem) -> CalendarField {
        let start = position
        if take("*") {
            if position < end, "*,./".contains(text[position]) || text[position].isDigit {
                let first = String(unit == .year ? 1970 : unit.range.lowerBound)
                throw problem(
                    expected: "nothing after * in \(unit.name)",
                    trying: peek("/") ? replacing(start..<position, with: first) : nil
                )
            }
            return CalendarField(unit)
        }
        var parts: [CalendarField.Part] = []
        repeat {
            // systemd's own limit; a list this long is no list that anybody wrote.
            guard parts.count <= 240 else { throw problem(expected: "at most 241 values in a list", trying: nil) }
            parts.append(try readPart(unit))
        } while take(",")
        return CalendarField(unit, parts)
    }

    private mutating func readPart(_ unit: CalendarUnit) throws(CalendarExpression.Problem) -> CalendarField.Part {
        let start = position
        var part = CalendarField.Part(start: try readValue(unit), stop: nil, step: 0)
        var stopPlace = position..<position
        if take("..") {
            let stopStart = position
            let stop = try readStop(unit)
            stopPlace = stopStart..<position
            guard stop >= part.start else { throw wraps(unit, from: start) }
            part.stop = stop
            part.step = unit.grain
        }
        let slash = position
        if take("/") {
            part.step = try readStep(unit)
            // A repetition without an end has to lead to another value, or it is a slip of the pen.
            let next = unit == .dayFromEnd ? part.start - part.step : part.start + part.step
            guard part.stop != nil || unit.range.contains(next) else {
                throw problem(
                    at: slash + 1, expected: "a step that leads to another value of \(unit.name)",
                    length: position - slash - 1, trying: replacing(slash..<position, with: "")
                )
            }
        } else if unit == .second, let stop = part.stop, stop - part.start < unit.grain {
            throw problem(
                at: start, expected: "a range of a second or more, or one with a step", length: position - start,
                trying: nil
            )
        }
        // The last value that the step reaches is what counts: `5..60/10` ends at 55.
        if let stop = part.stop, !unit.range.contains(part.start + (stop - part.start) / part.step * part.step) {
            throw problem(at: stopPlace.lowerBound, expected: unit.expectation, length: stopPlace.count, trying: nil)
        }
        return part
    }

    private func wraps(_ unit: CalendarUnit, from start: Int) -> CalendarExpression.Problem {
        let halves = String(text[start..<position]).split(separator: "..")
        let candidate =
            halves.count == 2 && unit != .year && unit != .second && unit != .dayFromEnd
            ? "\(halves[0])..\(unit.range.upperBound),\(unit.range.lowerBound)..\(halves[1])" : nil
        return problem(
            at: start, expected: "a range from the smaller to the greater", length: position - start,
            trying: candidate.map { replacing(start..<position, with: $0) }
        )
    }
}
