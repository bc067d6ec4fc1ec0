import Scheduling
import Storage

/// The metrics for programs.
enum MetricsJSON {
    static func value(_ report: MetricsReport, match: String?, now: Instant) -> JSONValue {
        [
            "now": JSONValue(now),
            "match": JSONValue(match),
            "metrics": JSONValue(
                report.series.map { series in
                    [
                        "name": .string(series.name),
                        "unit": JSONValue(series.unit),
                        "tags": .object(series.tags.mapValues { .string($0) }),
                        "value": .number(series.latest.value),
                        "at": JSONValue(series.latest.at),
                        "age_seconds": .number(Double(now.milliseconds - series.latest.at.milliseconds) / 1_000),
                        "last_hour": JSONValue(
                            series.recent.map { ["at": JSONValue($0.at), "value": .number($0.value)] }),
                    ]
                }),
            "unusable_rows": JSONValue(report.unusable),
            "cut_names": JSONValue(report.cut.map { .string($0) }),
        ]
    }
}
