import Scheduling
import Storage

/// A report as a table, with bars where a terminal has the room.
enum ReportText {
    /// Narrower bars say nothing.
    private static let narrowestBar = 8
    private static let widestBar = 40

    /// - Parameter width: the terminal's columns; nil for no terminal, hence no bars.
    static func lines(
        _ report: UsageReport, _ lines: [UsageReport.Line], omitted: Int, zone: Zone, width: Int?
    ) -> [String] {
        let range = "\(report.range.lowerBound) to \(report.range.upperBound), days of \(zone.name)"
        guard !report.lines.isEmpty else { return ["no usage from \(range)"] }
        let hasPercentiles = report.total.latencyPercentiles?.count == 3
        var table = TextTable(columns(report.grouping, hasPercentiles: hasPercentiles))
        table.rows = lines.map { cells($0, hasPercentiles: hasPercentiles) }
        table.footer = cells(report.total, hasPercentiles: hasPercentiles)
        var text = ["usage from \(range)"] + table.lines(trailing: bars(lines, room: (width ?? 0) - table.width - 2))
        if omitted > 0 { text.append("\(Figures.count(omitted, "line")) not shown; the total counts them") }
        if report.total.unpricedRequests > 0 {
            text.append(
                "\(Figures.count(report.total.unpricedRequests, "request")) with \(Figures.count(report.total.unpricedTokens, "token")) "
                    + "unpriced: their models have no price in model_pricing, and their cost is not in the total")
        }
        return text
    }

    private static func columns(_ grouping: UsageReport.Grouping, hasPercentiles: Bool) -> [TextTable.Column] {
        let latency = hasPercentiles ? ["p50 ms", "p95 ms", "p99 ms"] : ["avg ms", "max ms"]
        let titles = ["requests", "failed", "tokens", "cost", "estimated", "unpriced"] + latency
        return [.left(grouping.rawValue)] + titles.map { .right($0) }
    }

    private static func cells(_ line: UsageReport.Line, hasPercentiles: Bool) -> [String] {
        let latency: [String] =
            if hasPercentiles {
                line.latencyPercentiles.flatMap { $0.count == 3 ? $0.map(Figures.milliseconds) : nil } ?? [
                    "–", "–", "–",
                ]
            } else {
                [Figures.milliseconds(line.averageLatencyMilliseconds), Figures.count(line.maxLatencyMilliseconds)]
            }
        return [
            line.key, Figures.count(line.requests), Figures.percent(line.failures, of: line.requests),
            Figures.count(line.totalTokens), cost(line),
            line.estimatedCost.nanos == 0 ? "–" : line.estimatedCost.short,
            line.unpricedRequests == 0 ? "–" : Figures.count(line.unpricedRequests),
        ] + latency
    }

    /// What costs nothing because prices are missing is unpriced, and never looks free.
    private static func cost(_ line: UsageReport.Line) -> String {
        guard line.cost.nanos == 0 else { return line.cost.short }
        return line.unpricedRequests > 0 ? "unpriced" : "$0"
    }

    /// Cost against the greatest cost of a line. No bars without room or without any cost.
    private static func bars(_ lines: [UsageReport.Line], room: Int) -> [String] {
        guard room >= narrowestBar, let greatest = lines.map(\.cost.nanos).max(), greatest > 0 else { return [] }
        return lines.map { Bar.text(Double($0.cost.nanos) / Double(greatest), width: min(room, widestBar)) }
    }
}
