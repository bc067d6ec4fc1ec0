import Foundation
import Scheduling
import Storage

/// One reading's rows on a `system_metrics` of 30 days, which is what it holds by default: how long their write holds the lock, and what
/// reading costs.
struct MetricsTick {
    let data: Dataset
    let runs: Int

    private static let series = 150
    private static let minutes = 30 * 1_440
    private static let usageRows = 300_000

    func measure() async throws -> [Measurement] {
        let path = try data.copy(rows: Self.usageRows, name: "metrics", migrated: true)
        let end = Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
        try await fill(path, until: end)
        let store = try Store(path: path)
        let scenario = "metrics, \(Self.series) rows on \(Self.series * Self.minutes)"
        func result(_ what: String, _ values: [Double], _ bound: String? = nil) -> Measurement {
            Measurement(
                scenario: scenario, what: what, value: values.median, unit: "ms", spread: values.spread, bound: bound)
        }
        let last = try await GatewayFigures.read(store, since: nil).through
        return [
            result("lock held", try await holds(path, isCold: false, warms: true), "≤ 5"),
            result("lock held, pages not in memory", try await holds(path, isCold: true, warms: true), "≤ 5"),
            result("the same, had they not been read before", try await holds(path, isCold: true, warms: false)),
            result("database figures", try await times { _ = try await DatabaseFigures.read(store) }),
            result(
                "gateway figures of 10,000 rows",
                try await times { _ = try await GatewayFigures.read(store, since: last - 10_000) }),
            result(
                "gateway figures of 200,000 rows",
                try await times { _ = try await GatewayFigures.read(store, since: last - 200_000) }),
            result("latest of all series", try await times { _ = try await MetricsReport.read(store, now: end) }),
        ]
    }

    private func times(_ work: () async throws -> Void) async throws -> [Double] {
        var times: [Double] = []
        for _ in 0..<runs {
            let began = monotonicNanoseconds()
            try await work()
            times.append(Double(monotonicNanoseconds() - began) / 1e6)
        }
        return times
    }

    /// Milliseconds. Every write has a connection of its own, so that SQLite's own cache holds nothing of the last one's.
    private func holds(_ path: String, isCold: Bool, warms: Bool) async throws -> [Double] {
        var holds: [Double] = []
        for round in 0..<runs {
            let store = try Store(path: path)
            if isCold {
                // The database's pages leave the kernel's memory; the data stays as it is. Not the log's: others write that all the time.
                let arguments = ["of=\(path)", "oflag=nocache", "conv=notrunc,fdatasync", "count=0", "status=none"]
                let child = try ChildProcess.run("dd", arguments)
                guard child.status == 0 else { throw BenchError("can't empty the page cache: \(child.output)") }
            }
            let rows = Self.rows(round)
            if warms { try await MetricsStore(store: store).warm(rows) }
            let now = Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
            let before = store.writer.totals.holdNanoseconds
            try await MetricsStore.writing(rows, at: now).perform(in: store)
            holds.append(Double(store.writer.totals.holdNanoseconds - before) / 1e6)
        }
        return holds
    }

    /// Two series a name, with tags as long as the longest that there are.
    private static func rows(_ round: Int) -> [MetricRow] {
        (0..<series).map { index in
            let value = Double((index * 31 + round) % 1_000)
            let tags = ["disk.io.direction": index % 2 == 0 ? "read" : "write", "system.device": "nvme0n1"]
            return MetricRow(name: "system.some.metric.name\(index / 2)", value: value / 7, unit: "By", tags: tags)
        }
    }

    /// Minute by minute, so that the indexes grow as they do in real life.
    private func fill(_ path: String, until end: Instant) async throws {
        FileHandle.standardError.write(Data("making \(Self.series * Self.minutes) metrics in \(path) …\n".utf8))
        let store = try Store(path: path, pace: Pace(hold: .milliseconds(50)))
        for minute in 0..<Self.minutes {
            let time = Instant(milliseconds: end.milliseconds - Int64(Self.minutes - minute) * 60_000)
            try await MetricsStore.writing(Self.rows(minute), at: time).perform(in: store)
        }
        try await store.writer.settleLog()
    }
}
