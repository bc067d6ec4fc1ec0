import Foundation
import GRDB
import Scheduling
import Testing

@testable import Storage

@Suite struct MetricsReportTests {
    private let now = Instant(milliseconds: 1_795_561_385_000)  // 2026-11-24T23:03:05Z

    private func add(
        _ sample: SampleDatabase, _ name: String, _ value: any DatabaseValueConvertible, unit: String? = nil,
        tags: String? = nil, at time: (any DatabaseValueConvertible)?
    ) throws {
        try sample.execute(
            """
            INSERT INTO system_metrics (id, metric_name, metric_value, metric_unit, tags, timestamp)
            VALUES (?, ?, ?, ?, ?, ?)
            """, [UUID().uuidString, name, value, unit, tags, time])
    }

    private func read(_ sample: SampleDatabase, matching match: String? = nil) async throws -> MetricsReport {
        try await MetricsReport.read(try sample.store(), matching: match, now: now)
    }

    private func empty() throws -> SampleDatabase {
        let sample = try SampleDatabase()
        try sample.execute("DELETE FROM system_metrics")
        return sample
    }

    @Test func `an empty table has no series`() async throws {
        #expect(try await read(empty()) == MetricsReport(series: [], unusable: 0, cut: []))
    }

    @Test func `what was written is read again, a series for each tags`() async throws {
        let sample = try empty()
        let store = try sample.store()
        for minute in 0..<3 {
            let rows = ["user", "idle"].map {
                MetricRow(name: "cpu", value: Double(minute), unit: "s", tags: ["mode": $0, "host": "a"])
            }
            let time = Instant(milliseconds: now.milliseconds - Int64(2 - minute) * 60_000)
            try await MetricsStore.writing(rows, at: time).perform(in: store)
        }
        let report = try await read(sample)
        #expect(report.series.map(\.tags) == [["mode": "idle", "host": "a"], ["mode": "user", "host": "a"]])
        #expect(report.series.allSatisfy { $0.latest == MetricSeries.Point(at: now, value: 2) && $0.unit == "s" })
        #expect(report.series.allSatisfy { $0.recent.map(\.value) == [0, 1, 2] })
    }

    @Test func `times of every form that others write are put in order`() async throws {
        let sample = try empty()
        try add(sample, "queue", 1, at: "2026-11-24 22:59:00")
        // As text these sort after all of the above, whatever the hour.
        try add(sample, "queue", 2, at: "2026-11-24T01:00:00.000Z")
        try add(sample, "queue", 3, at: "2026-11-24T23:00:00.500Z")
        try add(sample, "queue", 4, at: 1_795_561_380)
        try add(sample, "queue", 5, at: 1_795_561_384_999)
        try add(sample, "queue", 6, at: "2026-11-25T00:03:04+01:00")
        let series = try #require(try await read(sample).series.first)
        #expect(series.latest.value == 5)
        #expect(series.recent.map(\.value) == [1, 3, 4, 6, 5])
        #expect(series.unit == nil)
        #expect(series.tags.isEmpty)
    }

    @Test func `a series that has fallen silent shows with its age`() async throws {
        let sample = try empty()
        try add(sample, "load", 7, at: "2026-01-01 00:00:00")
        try add(sample, "load", 8, tags: #"{"host":"b"}"#, at: "2026-11-24 23:00:00")
        let report = try await read(sample)
        #expect(report.series.map(\.latest.value) == [7, 8])
        #expect(report.series.map(\.recent.count) == [0, 1])
    }

    @Test func `tags that mean the same are one series, and what is no object stands as it is`() async throws {
        let sample = try empty()
        try add(sample, "m", 1, tags: #"{"a":"1","b":true}"#, at: "2026-11-24 23:00:00")
        try add(sample, "m", 2, tags: #"{ "b": true, "a": 1 }"#, at: "2026-11-24 23:01:00")
        try add(sample, "m", 3, tags: "no json", at: "2026-11-24 23:01:00")
        try add(sample, "m", 4, tags: #"{"a":{"b":1}}"#, at: "2026-11-24 23:01:00")
        try add(sample, "m", 5, tags: "", at: "2026-11-24 23:01:00")
        let report = try await read(sample)
        let found = Dictionary(uniqueKeysWithValues: report.series.map { ($0.tags, $0.latest.value) })
        #expect(
            found == [
                ["a": "1", "b": "true"]: 2, ["(tags)": "no json"]: 3, ["(tags)": #"{"a":{"b":1}}"#]: 4, [:]: 5,
            ])
        #expect(report.series.first { $0.tags.count == 2 }?.recent.count == 2)
    }

    @Test func `rows without a number or a time are counted and not shown`() async throws {
        let sample = try empty()
        try add(sample, "m", "much", at: "2026-11-24 23:00:00")
        try add(sample, "m", 1, at: "soon")
        try add(sample, "m", 1, at: nil)
        try add(sample, "m", 2, at: "2026-11-24 23:00:00")
        let report = try await read(sample)
        #expect(report.unusable == 3)
        #expect(report.series.map(\.latest.value) == [2])
    }

    @Test func `names are matched by a part, whatever the case`() async throws {
        let sample = try empty()
        for name in ["gateway.cost", "Gateway.Tokens", "system.cpu", "na\u{0}ughty"] {
            try add(sample, name, 1, at: "2026-11-24 23:00:00")
        }
        #expect(try await read(sample, matching: "GATEway").series.map(\.name) == ["Gateway.Tokens", "gateway.cost"])
        #expect(try await read(sample, matching: "%").series.isEmpty)
        // Not by a loop that never ends.
        #expect(try await read(sample).series.count >= 3)
    }

    @Test func `a name with too many rows is cut to the newest, and said`() async throws {
        let sample = try empty()
        for second in 10..<40 { try add(sample, "m", second, at: "2026-11-24 23:02:\(second)") }
        var limits = MetricsReport.Limits()
        limits.recentRows = 10
        let report = try await MetricsReport.read(try sample.store(), now: now, limits: limits)
        #expect(report.cut == ["m"])
        #expect(report.series.first?.recent.map(\.value) == (30..<40).map { Double($0) })
    }
}
