extension CalendarParser {
    /// A value of the unit; years below 100 are those from 1970 to 2069.
    mutating func readValue(_ unit: CalendarUnit) throws(CalendarExpression.Problem) -> Int {
        let start = position
        let value = try readStop(unit)
        guard unit.range.contains(value) else {
            throw problem(at: start, expected: unit.expectation, length: position - start, trying: nil)
        }
        return value
    }

    /// A value that may lie past the unit's range, as the end of a range with a step may.
    mutating func readStop(_ unit: CalendarUnit) throws(CalendarExpression.Problem) -> Int {
        let value = try readNumber(unit, expecting: unit.expectation)
        return unit == .year && value < 100 ? value + (value < 70 ? 2_000 : 1_900) : value
    }

    /// The distance after a `/`: above zero.
    mutating func readStep(_ unit: CalendarUnit) throws(CalendarExpression.Problem) -> Int {
        let start = position
        let step = try readNumber(unit, expecting: "a step above zero")
        guard step > 0 else {
            throw problem(at: start, expected: "a step above zero", length: position - start, trying: nil)
        }
        return step
    }

    /// Digits, for seconds with a fraction too, which is rounded to microseconds. Up to what 32 bits hold, as in systemd;
    /// for seconds that is the count of microseconds.
    private mutating func readNumber(
        _ unit: CalendarUnit, expecting expected: String
    ) throws(CalendarExpression.Problem) -> Int {
        let start = position
        let digits = text[position..<end].prefix(while: \.isDigit)
        guard !digits.isEmpty else { throw problem(expected: expected, trying: nil) }
        position += digits.count
        let limit = Int(Int32.max)
        guard let whole = Int(String(digits)), whole <= limit / unit.grain else {
            throw problem(at: start, expected: expected, length: digits.count, trying: nil)
        }
        guard unit == .second else { return whole }
        var microseconds = whole * unit.grain
        if peek("."), !peek("..") {
            position += 1
            let fraction = text[position..<end].prefix(while: \.isDigit)
            guard !fraction.isEmpty else {
                throw problem(
                    expected: "the digits of a fraction", trying: replacing((position - 1)..<position, with: ""))
            }
            position += fraction.count
            var scale = unit.grain / 10
            for digit in fraction.prefix(6) {
                microseconds += (digit.wholeNumberValue ?? 0) * scale
                scale /= 10
            }
            if let next = fraction.dropFirst(6).first, next >= "5" { microseconds += 1 }
        }
        guard microseconds <= limit else {
            throw problem(at: start, expected: expected, length: position - start, trying: nil)
        }
        return microseconds
    }
}
