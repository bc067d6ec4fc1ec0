import Scheduling
import Storage

/// A report for spreadsheets: RFC 4180, so lines end with CR LF, and a field with a comma, a quote or a line break stands in quotes with its own
/// quotes doubled. Figures are plain, cost in dollars with nine decimals; nothing is rounded. An absent figure is an empty field.
enum ReportCSV {
    static func text(_ report: UsageReport, _ lines: [UsageReport.Line]) -> String {
        let header = [report.grouping.rawValue] + columns.map(\.name)
        let rows = lines.map { line in [line.key] + columns.map { $0.field(line) } }
        return ([header] + rows).map { $0.map(field).joined(separator: ",") + "\r\n" }.joined()
    }

    private static var columns: [(name: String, field: (UsageReport.Line) -> String)] {
        [
            ("requests", { "\($0.requests)" }),
            ("failures", { "\($0.failures)" }),
            ("input_tokens", { "\($0.inputTokens)" }),
            ("output_tokens", { "\($0.outputTokens)" }),
            ("total_tokens", { "\($0.totalTokens)" }),
            ("cost", { $0.cost.description.filter { $0 != "$" } }),
            ("cost_nanos", { "\($0.cost.nanos)" }),
            ("estimated_cost", { $0.estimatedCost.description.filter { $0 != "$" } }),
            ("estimated_cost_nanos", { "\($0.estimatedCost.nanos)" }),
            ("unpriced_requests", { "\($0.unpricedRequests)" }),
            ("unpriced_tokens", { "\($0.unpricedTokens)" }),
            ("latency_avg_ms", { Figures.fixed($0.averageLatencyMilliseconds, 3) }),
            ("latency_max_ms", { "\($0.maxLatencyMilliseconds)" }),
            ("latency_p50_ms", { $0.percentile(0).map { "\($0)" } ?? "" }),
            ("latency_p95_ms", { $0.percentile(1).map { "\($0)" } ?? "" }),
            ("latency_p99_ms", { $0.percentile(2).map { "\($0)" } ?? "" }),
        ]
    }

    static func field(_ text: String) -> String {
        let asksForQuotes = text.unicodeScalars.contains { ["\"", ",", "\r", "\n"].contains($0) }
        return asksForQuotes ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
    }
}
