import Scheduling
import Storage

/// A report for programs. A line's key stands under the grouping's name: `day`, `model` or `user`.
enum ReportJSON {
    static func value(
        _ report: UsageReport, _ lines: [UsageReport.Line], omitted: Int, zone: Zone, user: String?, model: String?
    ) -> JSONValue {
        [
            "from": JSONValue(report.range.lowerBound),
            "to": JSONValue(report.range.upperBound),
            "time_zone": .string(zone.name),
            "by": .string(report.grouping.rawValue),
            "user": JSONValue(user),
            "model": JSONValue(model),
            "lines": JSONValue(
                lines.map { line in
                    .object(members(line).merging([report.grouping.rawValue: .string(line.key)]) { own, _ in own })
                }),
            "omitted_lines": JSONValue(omitted),
            "total": .object(members(report.total)),
        ]
    }

    private static func members(_ line: UsageReport.Line) -> [String: JSONValue] {
        var members: [String: JSONValue] = [
            "requests": JSONValue(line.requests),
            "failures": JSONValue(line.failures),
            "failure_percent": JSONValue(Figures.percentage(line.failures, of: line.requests)),
            "input_tokens": JSONValue(line.inputTokens),
            "output_tokens": JSONValue(line.outputTokens),
            "total_tokens": JSONValue(line.totalTokens),
            "cost": .dollars(line.cost),
            "cost_nanos": .nanos(line.cost),
            "estimated_cost": .dollars(line.estimatedCost),
            "estimated_cost_nanos": .nanos(line.estimatedCost),
            "unpriced_requests": JSONValue(line.unpricedRequests),
            "unpriced_tokens": JSONValue(line.unpricedTokens),
            "latency_avg_ms": JSONValue((line.averageLatencyMilliseconds * 1_000).rounded() / 1_000),
            "latency_max_ms": JSONValue(line.maxLatencyMilliseconds),
        ]
        for (name, index) in [("p50", 0), ("p95", 1), ("p99", 2)] {
            members["latency_\(name)_ms"] = JSONValue(line.percentile(index))
        }
        return members
    }
}

extension UsageReport.Line {
    /// p50, p95 and p99 under 0, 1 and 2; nil where none are kept.
    func percentile(_ index: Int) -> Double? {
        latencyPercentiles.flatMap { $0.indices.contains(index) ? $0[index] : nil }
    }
}
