import Scheduling
import Storage

/// What a verification found, for people.
struct VerificationText {
    /// Keys that are printed unless all are asked for.
    static let fewKeys = 20

    let text: String

    init(_ report: Verification.Report, all: Bool) {
        var lines: [String] = []
        let seen = "\(Figures.count(report.days, "day")) and \(Figures.count(report.rows, "raw row"))"
        if report.isClean {
            lines.append(report.days == 0 ? "no day was compared" : "exact: \(seen) compared, no difference")
        } else {
            lines.append("DRIFT on \(Figures.count(report.drifts.count, "day")), \(seen) compared")
            lines += Self.keys(of: report, limit: all ? .max : Self.fewKeys)
        }
        lines += Self.closed(report.closed)
        if let first = report.drifts.first?.day, let last = report.drifts.last?.day {
            lines.append(
                "A plus is missing in the totals, a minus is too much. To mend: tallyd rollup rebuild --from \(first) --to \(last)"
            )
        }
        text = lines.joined(separator: "\n")
    }

    private static func keys(of report: Verification.Report, limit: Int) -> [String] {
        var lines: [String] = []
        var left = 0
        for drift in report.drifts {
            if drift.keys.isEmpty, drift.hasHistogramDrift {
                lines.append("  \(drift.day)  latency histogram differs, the sums do not")
            }
            if drift.unnotedRows > 0 {
                let rows = Figures.count(drift.unnotedRows, "row")
                lines.append("  \(drift.day)  \(rows) that can't be counted: in no total, and not set aside")
            }
            for (key, sums) in drift.keys.sorted(by: { $0.key < $1.key }) {
                guard lines.count < limit else {
                    left += 1
                    continue
                }
                lines.append(
                    "  \(drift.day)  user \(key.user.printable)  model \(key.model.printable):  \(differences(sums))")
            }
        }
        if left > 0 { lines.append("  … and \(Figures.count(left, "more key")): --all prints them") }
        return lines
    }

    private static func differences(_ sums: UsageSums) -> String {
        let counts = sums.countedDifferences.filter { $0.value != 0 }.map {
            "\($0.name) \(Figures.difference($0.value))"
        }
        let costs = sums.moneyDifferences.filter { $0.value.nanos != 0 }.map { name, value in
            "\(name) \(value.nanos > 0 ? "+" : "")\(value)"
        }
        let all = counts + costs
        return all.isEmpty
            ? "greatest latency, failures or total_cost do not follow from the sums" : all.joined(separator: ", ")
    }

    private static func closed(_ days: [Verification.ClosedDay]) -> [String] {
        Dictionary(grouping: days, by: \.state).sorted { $0.key < $1.key }.map { state, days in
            let names = days.prefix(5).map(\.day.description).joined(separator: ", ")
            let more = days.count > 5 ? " and \(Figures.count(days.count - 5)) more" : ""
            return "not compared, since \(state): \(names)\(more)"
        }
    }
}

extension UsageSums {
    /// Every count by its column's name.
    var countedDifferences: [(name: String, value: Int64)] {
        [
            ("requests", requests), ("failures", failures), ("input_tokens", inputTokens),
            ("output_tokens", outputTokens),
            ("total_tokens", totalTokens), ("unpriced_requests", unpricedRequests), ("unpriced_tokens", unpricedTokens),
            ("latency_sum_ms", latencySumMilliseconds),
        ]
    }

    var moneyDifferences: [(name: String, value: Money)] {
        [("cost", Money(nanos: Int128(costNanos))), ("estimated_cost", Money(nanos: Int128(estimatedCostNanos)))]
    }
}

extension Verification.Report {
    /// - Parameter limit: keys that are listed at most; nil for all.
    func json(limit: Int?) -> JSONValue {
        var left = limit ?? .max
        var omitted = 0
        let drifts = drifts.map { drift -> JSONValue in
            let shown = drift.keys.sorted { $0.key < $1.key }.prefix(left)
            left -= shown.count
            omitted += drift.keys.count - shown.count
            return [
                "day": JSONValue(drift.day), "rows": JSONValue(drift.rows),
                "drifting_keys": JSONValue(drift.keys.count),
                "rows_not_set_aside": JSONValue(drift.unnotedRows),
                "keys": JSONValue(shown.map { Self.json($0.key, $0.value) }),
            ]
        }
        return [
            "clean": .bool(isClean), "days": JSONValue(days), "rows": JSONValue(rows), "drifts": JSONValue(drifts),
            "omitted_keys": JSONValue(omitted),
            "not_compared": JSONValue(closed.map { ["day": JSONValue($0.day), "state": .string($0.state)] }),
        ]
    }

    private static func json(_ key: DayDrift.Key, _ sums: UsageSums) -> JSONValue {
        var members: [String: JSONValue] = ["user": .string(key.user), "model": .string(key.model)]
        for (name, value) in sums.countedDifferences { members[name] = JSONValue(value) }
        for (name, value) in sums.moneyDifferences {
            members[name] = .dollars(value)
            members["\(name)_nanos"] = .nanos(value)
        }
        return .object(members)
    }
}
