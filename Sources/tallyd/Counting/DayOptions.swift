import ArgumentParser
import Scheduling

/// A range of days on the command line. Both ends belong to it; a missing one is open.
struct DayOptions: ParsableArguments {
    @Option(help: ArgumentHelp("First day, as YYYY-MM-DD.", valueName: "day"), transform: Self.day)
    var from: Day?

    @Option(help: ArgumentHelp("Last day, as YYYY-MM-DD.", valueName: "day"), transform: Self.day)
    var to: Day?

    func validate() throws {
        if let from, let to, from > to {
            throw ValidationError("--from \(from) is after --to \(to): swap them.")
        }
    }

    var isEmpty: Bool { from == nil && to == nil }

    /// Nil when neither end is given.
    var range: ClosedRange<Day>? {
        isEmpty ? nil : (from ?? .first)...(to ?? .last)
    }

    @Sendable static func day(_ text: String) throws -> Day {
        guard let day = Day(text) else {
            throw ValidationError("the calendar has no such day; write one as 2026-11-23.")
        }
        return day
    }
}
