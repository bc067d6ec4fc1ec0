import ArgumentParser
import Scheduling
import Storage

/// `tallyd report`.
struct Report: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print usage and cost by day, model or user.",
        discussion: """
            The last 30 days by day, unless told otherwise; days are those of TALLYD_TIMEZONE, today included. What is not counted yet \
            is in it too, and what was purged stays in it. Cost is recorded cost and, where a request came without one, the estimate \
            from model_pricing; the estimated part stands beside it. Requests that have no price at all are counted as unpriced and \
            not as free. Percentiles are within 2 % and are not kept by user: there, average and greatest latency stand in their place.

            EXAMPLES
              tallyd report
              tallyd report --by model --last 7d
              tallyd report --by user --from 2026-11-01 --to 2026-11-23 --top 10
              tallyd report --csv > usage.csv
            """)

    @OptionGroup var options: DatabaseOptions

    @Option(help: "What a line is: day, model or user.")
    var by = Grouping.day

    @OptionGroup var days: DayOptions

    @Option(
        help: ArgumentHelp("So many days up to --to, or up to today, such as 30d or 4w.", valueName: "days"),
        transform: ReportRange.dayCount)
    var last: Int?

    @Option(help: ArgumentHelp("This user's usage only.", valueName: "id"))
    var user: String?

    @Option(help: ArgumentHelp("This model's usage only.", valueName: "name"))
    var model: String?

    @Option(
        help: ArgumentHelp("Only the lines with the greatest cost; the total is still that of all.", valueName: "count")
    )
    var top: Int?

    @Flag(help: .jsonHelp) var json = false

    @Flag(help: "Print CSV (RFC 4180) with a header row and without a total.") var csv = false

    /// The storage's groupings as words of the command line.
    enum Grouping: String, ExpressibleByArgument, CaseIterable {
        case day, model, user

        var stored: UsageReport.Grouping {
            switch self {
            case .day: .day
            case .model: .model
            case .user: .user
            }
        }
    }

    func validate() throws {
        if json, csv { throw ValidationError("--json and --csv exclude each other: choose one.") }
        if last != nil, days.from != nil {
            throw ValidationError("--last and --from both say where to begin: choose one.")
        }
        if let top, top < 1 { throw ValidationError("--top \(top) prints nothing: write 1 or more.") }
    }

    func run() async throws {
        let database = try await UsageDatabase.open(options)
        var calendar = DayCalendar(zone: database.zone)
        let today = calendar.day(of: WallClock.now()) ?? .last
        let range = try ReportRange.range(from: days.from, to: days.to, last: last, today: today)
        let report = try await UsageReport.read(database.store, range, by: by.stored, user: user, model: model)
        let (lines, omitted) = Self.costliest(report, count: top)
        if json {
            print(
                try ReportJSON.value(report, lines, omitted: omitted, zone: database.zone, user: user, model: model)
                    .text())
        } else if csv {
            // Exact bytes for a file or a pipe; on a terminal a stranger's control characters must not act.
            let text = ReportCSV.text(report, lines)
            print(
                Terminal.hasOutput
                    ? text.split(separator: "\r\n").map { String($0).printable }.joined(separator: "\n") + "\n" : text,
                terminator: "")
        } else {
            let width = Terminal.hasOutput ? Terminal.width : nil
            print(
                ReportText.lines(report, lines, omitted: omitted, zone: database.zone, width: width).joined(
                    separator: "\n"))
        }
    }

    /// The lines with the greatest cost, in the report's own order, and how many are left out.
    static func costliest(_ report: UsageReport, count: Int?) -> (lines: [UsageReport.Line], omitted: Int) {
        guard let count, report.lines.count > count else { return (report.lines, 0) }
        let ranked = report.lines.sorted { ($0.cost, $0.requests, $1.key) > ($1.cost, $1.requests, $0.key) }
        let kept = Set(ranked.prefix(count).map(\.key))
        return (report.lines.filter { kept.contains($0.key) }, report.lines.count - count)
    }
}
