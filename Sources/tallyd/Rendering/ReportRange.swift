import ArgumentParser
import Scheduling

/// Which days a report is about.
enum ReportRange {
    static let usualDays = 30

    /// - Parameters:
    ///   - last: this many days, the last of them `to`; instead of `from`.
    ///   - today: the last day where none is said.
    /// - Throws: `ValidationError` for a range that ends before it begins.
    static func range(from: Day?, to: Day?, last: Int?, today: Day) throws -> ClosedRange<Day> {
        let end = to ?? max(today, from ?? today)
        let begin = from ?? end.advanced(by: 1 - (last ?? usualDays)) ?? .first
        guard begin <= end else { throw ValidationError("--from \(begin) is after --to \(end): swap them.") }
        return begin...end
    }

    /// Reads `30d` or `4w`.
    ///
    /// - Throws: `ValidationError` that says what to write instead.
    @Sendable static func dayCount(_ text: String) throws -> Int {
        if let bare = Int(text), bare > 0 { throw ValidationError("it has no unit; write \(bare)d.") }
        guard let duration = try? DurationText.parse(text) else {
            throw ValidationError("it is no number of days; write one such as 30d or 4w.")
        }
        let (days, rest) = duration.components.seconds.quotientAndRemainder(dividingBy: 86_400)
        guard rest == 0, duration.components.attoseconds == 0, days > 0, days < 4_000_000 else {
            throw ValidationError("it is no whole number of days; write one such as 30d or 4w.")
        }
        return Int(days)
    }
}
