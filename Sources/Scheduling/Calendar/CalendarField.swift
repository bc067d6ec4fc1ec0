/// One component of a calendar expression: any value, or a list of values, ranges and repetitions.
///
/// Kept in systemd's normal form: a range ends at the last value that its step reaches, a range of one value is that
/// value, and the list is sorted and free of repeats.
struct CalendarField: Sendable, Hashable {
    let unit: CalendarUnit
    /// Empty for `*`.
    let parts: [Part]

    /// `start`, `start..stop`, `start/step` or `start..stop/step`. Seconds in microseconds.
    struct Part: Sendable, Hashable {
        var start: Int
        var stop: Int?
        /// Zero for a single value; set for every range.
        var step: Int

        /// Whether it is written with a `/`: a range that counts by one is not.
        func isRepetition(in unit: CalendarUnit) -> Bool { step > 0 && (stop == nil || step != unit.grain) }
    }

    /// - Parameter parts: valid for the unit; in any order.
    init(_ unit: CalendarUnit, _ parts: [Part] = []) {
        self.unit = unit
        let normal = parts.map(Self.normal).sorted {
            ($0.start, $0.stop ?? -1, $0.step) < ($1.start, $1.stop ?? -1, $1.step)
        }
        let distinct = normal.enumerated().filter { $0.offset == 0 || normal[$0.offset - 1] != $0.element }
        let list = distinct.map(\.element)
        let isEverySecond = unit == .second && list.contains(Part(start: 0, stop: nil, step: 1_000_000))
        self.parts = isEverySecond ? [] : list
    }

    private static func normal(_ part: Part) -> Part {
        guard let stop = part.stop else { return part }
        let last = part.step > 0 ? part.start + (stop - part.start) / part.step * part.step : part.start
        return last > part.start
            ? Part(start: part.start, stop: last, step: part.step) : Part(start: part.start, stop: nil, step: 0)
    }

    var isAny: Bool { parts.isEmpty }

    /// `*` or a repetition: the mark of a rhythm rather than of points in time.
    var isRhythm: Bool { isAny || parts.contains { $0.isRepetition(in: unit) } }

    /// One bit for every value that matches; for units whose values lie below 64.
    var mask: UInt64 {
        guard !isAny else { return unit.range.reduce(0) { $0 | 1 << UInt64($1) } }
        return parts.reduce(0) { mask, part in values(of: part).reduce(mask) { $0 | 1 << UInt64($1) } }
    }

    /// Whether the value matches; for years.
    func contains(_ value: Int) -> Bool {
        isAny || parts.contains { values(of: $0).contains(value) }
    }

    private func values(of part: Part) -> StrideThrough<Int> {
        guard part.step > 0 else { return stride(from: part.start, through: part.start, by: 1) }
        // A repetition counted from the month's end goes on towards it: the third last day, then the last.
        if unit == .dayFromEnd, part.stop == nil { return stride(from: part.start, through: 1, by: -part.step) }
        return stride(from: part.start, through: part.stop ?? unit.range.upperBound, by: part.step)
    }
}

extension CalendarField {
    /// The first value at or after `value`; for seconds, in microseconds.
    func first(atOrAfter value: Int) -> Int? {
        let all = isAny ? [Part(start: 0, stop: nil, step: unit.grain)] : parts
        return all.compactMap { part -> Int? in
            guard part.start < value else { return part.start }
            guard part.step > 0 else { return nil }
            let next = part.start + (value - part.start + part.step - 1) / part.step * part.step
            return next <= part.stop ?? unit.range.upperBound ? next : nil
        }.min()
    }

    /// The last value at or before `value`; for seconds, in microseconds.
    func last(atOrBefore value: Int) -> Int? {
        let all = isAny ? [Part(start: 0, stop: nil, step: unit.grain)] : parts
        return all.compactMap { part -> Int? in
            guard part.start <= value else { return nil }
            guard part.step > 0 else { return part.start }
            let end = min(value, part.stop ?? unit.range.upperBound)
            return part.start + (end - part.start) / part.step * part.step
        }.max()
    }
}

extension CalendarField: CustomStringConvertible {
    /// As systemd writes it: two digits (years four), fractions with six, and a step of one left out of a range.
    var description: String {
        guard !isAny else { return "*" }
        return parts.map { part in
            var text = padded(part.start)
            if let stop = part.stop { text += ".." + padded(stop) }
            if part.isRepetition(in: unit) { text += "/" + plain(part.step) }
            return text
        }.joined(separator: ",")
    }

    private func padded(_ value: Int) -> String {
        let text = plain(value)
        let width = unit == .year ? 4 : 2
        let digits = text.prefix { $0 != "." }.count
        return String(repeating: "0", count: max(0, width - digits)) + text
    }

    private func plain(_ value: Int) -> String {
        let (whole, fraction) = value.quotientAndRemainder(dividingBy: unit.grain)
        guard fraction != 0 else { return String(whole) }
        return "\(whole).\(String(fraction + 1_000_000).dropFirst())"
    }
}
