/// Finds the local times that an expression matches, forwards and backwards, without any zone.
///
/// A wall time is what a zone's clocks show, counted in milliseconds as though it were UTC. The search never walks from
/// one matching time to the next: years and months that do not match are passed over, and within a month, a day and a
/// minute the answer comes from a mask of bits or a division. So both directions look at no more than the months of 230
/// years, however often the expression matches; `months` counts them.
struct CalendarSearch {
    private let expression: CalendarExpression
    private let monthMask: UInt64
    private let dayMask: UInt64
    private let hourMask: UInt64
    private let minuteMask: UInt64
    /// How many months were looked into so far.
    private(set) var months = 0

    private static let dayLength: Int64 = 86_400_000
    private static let years = CalendarUnit.year.range

    init(_ expression: CalendarExpression) {
        self.expression = expression
        monthMask = expression.month.mask
        dayMask = expression.day.mask
        hourMask = expression.hour.mask
        minuteMask = expression.minute.mask
    }

    /// The first wall time that matches at or after the given one; nil when there is none up to the end of 2199.
    mutating func first(atOrAfter wall: Int64) -> Int64? {
        let (day, ofDay) = wall.flooredDivision(by: Self.dayLength)
        if let found = self.day(from: day, forwards: true) {
            guard found == day else { return time(from: 0, forwards: true).map { found * Self.dayLength + $0 } }
            if let time = time(from: ofDay, forwards: true) { return day * Self.dayLength + time }
            guard let next = self.day(from: day + 1, forwards: true) else { return nil }
            return time(from: 0, forwards: true).map { next * Self.dayLength + $0 }
        }
        return nil
    }

    /// The last wall time that matches at or before the given one; nil when there is none since 1970.
    mutating func last(atOrBefore wall: Int64) -> Int64? {
        let (day, ofDay) = wall.flooredDivision(by: Self.dayLength)
        let end = Self.dayLength - 1
        guard let found = self.day(from: day, forwards: false) else { return nil }
        guard found == day else { return time(from: end, forwards: false).map { found * Self.dayLength + $0 } }
        if let time = time(from: ofDay, forwards: false) { return day * Self.dayLength + time }
        guard let previous = self.day(from: day - 1, forwards: false) else { return nil }
        return time(from: end, forwards: false).map { previous * Self.dayLength + $0 }
    }

    /// The matching day, as days since 1970-01-01, that lies nearest in the direction; the given one included.
    private mutating func day(from day: Int64, forwards: Bool) -> Int64? {
        let first = Int64(Day.number(year: Self.years.lowerBound, month: 1, day: 1))
        let last = Int64(Day.number(year: Self.years.upperBound, month: 12, day: 31))
        guard forwards ? day <= last : day >= first,
            let (startYear, startMonth, startDay) = Day(number: Int(min(max(day, first), last)))?.civil
        else { return nil }
        let end = forwards ? Self.years.upperBound : Self.years.lowerBound
        for year in stride(from: startYear, through: end, by: forwards ? 1 : -1) where expression.year.contains(year) {
            var month: Int? = year == startYear ? startMonth : forwards ? 1 : 12
            while let current = month.flatMap({ bit(of: monthMask, from: $0, forwards: forwards) }) {
                let isStart = year == startYear && current == startMonth
                let limit = isStart ? startDay : forwards ? 1 : 31
                if let found = bit(of: days(year: year, month: current), from: limit, forwards: forwards) {
                    return Int64(Day.number(year: year, month: current, day: found))
                }
                month = forwards ? current + 1 : current - 1
            }
        }
        return nil
    }

    /// One bit for every day of the month that matches, weekday included; bit 1 is the first.
    private mutating func days(year: Int, month: Int) -> UInt64 {
        months += 1
        let length = Day.length(ofMonth: month, year: year)
        // 1970-01-01 was a Thursday.
        let weekday = (Day.number(year: year, month: month, day: 1) + 3) % 7
        return (1...length).reduce(0) { mask, day in
            let value = expression.day.unit == .dayFromEnd ? length - day + 1 : day
            let matches =
                dayMask & (1 << UInt64(value)) != 0 && expression.weekdays & (1 << ((weekday + day - 1) % 7)) != 0
            return matches ? mask | 1 << UInt64(day) : mask
        }
    }

    /// The matching time of a day, in milliseconds since its midnight, that lies nearest in the direction.
    private func time(from ofDay: Int64, forwards: Bool) -> Int64? {
        let hour = Int(ofDay / 3_600_000)
        let minute = Int(ofDay / 60_000 % 60)
        let begin = forwards ? 0 : 59
        let step = forwards ? 1 : -1
        guard let nearHour = bit(of: hourMask, from: hour, forwards: forwards) else { return nil }
        if nearHour == hour {
            if let nearMinute = bit(of: minuteMask, from: minute, forwards: forwards) {
                let isStart = nearMinute == minute
                if let second = second(from: isStart ? Int(ofDay % 60_000) : nil, forwards: forwards) {
                    return Int64(hour) * 3_600_000 + Int64(nearMinute) * 60_000 + second
                }
                if isStart, let other = bit(of: minuteMask, from: minute + step, forwards: forwards),
                    let second = second(from: nil, forwards: forwards)
                {
                    return Int64(hour) * 3_600_000 + Int64(other) * 60_000 + second
                }
            }
        }
        let other = nearHour == hour ? bit(of: hourMask, from: hour + step, forwards: forwards) : nearHour
        guard let other, let minute = bit(of: minuteMask, from: begin, forwards: forwards),
            let second = second(from: nil, forwards: forwards)
        else { return nil }
        return Int64(other) * 3_600_000 + Int64(minute) * 60_000 + second
    }

    /// In milliseconds, both ways: microseconds below are dropped from a match, so a match counts for the whole
    /// millisecond that it begins in. Nil starts at the minute's edge.
    private func second(from milliseconds: Int?, forwards: Bool) -> Int64? {
        let found =
            forwards
            ? expression.second.first(atOrAfter: (milliseconds ?? 0) * 1_000)
            : expression.second.last(atOrBefore: (milliseconds ?? 59_999) * 1_000 + 999)
        return found.map { Int64($0 / 1_000) }
    }

    /// The set bit nearest in the direction, the given one included.
    private func bit(of mask: UInt64, from index: Int, forwards: Bool) -> Int? {
        guard (0..<64).contains(index) else { return nil }
        let all = UInt64.max
        let rest = mask & (forwards ? all << UInt64(index) : all >> UInt64(63 - index))
        guard rest != 0 else { return nil }
        return forwards ? rest.trailingZeroBitCount : 63 - rest.leadingZeroBitCount
    }
}
