import Foundation
import Host
import Logging
import Scheduling
import Storage
import Synchronization
import Testing

@testable import Daemon

@Suite struct SystemMetricsTests {
    /// A migrated database in a folder of its own.
    private final class Place {
        let folder: URL
        let store: Store

        init() async throws {
            folder = FileManager.default.temporaryDirectory.appending(path: "tallyd-metrics-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            store = try Store.creating(path: folder.appending(path: "usage.db").path)
            _ = try await Migrator(store: store).migrate()
        }

        deinit {
            try? FileManager.default.removeItem(at: folder)
        }
    }

    private static let own = OwnFigures(
        lagRows: 3, lag: .seconds(2), lanes: 4, oldestHeartbeat: .milliseconds(1_500), runs: [.succeeded: 5],
        lockTime: .milliseconds(40))

    private struct Shape: Hashable, CustomStringConvertible {
        var name: String
        var unit: String
        var tags: Set<String>
        var description: String { "\(name) \(unit) \(tags.sorted())" }
    }

    @Test func `no row is written that is not in the tables, and of this room's table every metric can be`()
        async throws
    {
        let place = try await Place()
        let job = SystemMetrics(store: place.store, logger: Logger(label: "test"))
        _ = try await job.rows(monotonic: .seconds(10), own: Self.own)
        let rows = try await job.rows(monotonic: .seconds(70), own: Self.own)
        let documented =
            MetricSample.documentation.map { Shape(name: $0.name, unit: $0.unit, tags: Set($0.tags)) }
            + MetricRow.documentation.map { Shape(name: $0.name, unit: $0.unit, tags: Set($0.tags)) }
        let written = Set(rows.map { Shape(name: $0.name, unit: $0.unit, tags: Set($0.tags.keys)) })
        #expect(written.subtracting(documented).isEmpty, "\(written.subtracting(documented))")
        // Nothing came in, so no model has a latency.
        let missing = Set(MetricRow.documentation.map(\.name)).subtracting(rows.map(\.name))
        #expect(missing == ["gen_ai.client.operation.duration"])
        let series = rows.map { row in
            row.name + row.tags.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        }
        #expect(Set(series).count == series.count)
        #expect(!rows.contains { !$0.value.isFinite })
    }

    @Test func `names are unique over both tables, units are known and meanings are sentences`() {
        let names = MetricSample.documentation.map(\.name) + MetricRow.documentation.map(\.name)
        #expect(Set(names).count == names.count)
        for metric in MetricRow.documentation {
            #expect(
                metric.name.wholeMatch(of: /(gateway|gen_ai|db|tallyd)(\.[a-z0-9_]+)+/) != nil, "\(metric.name)")
            #expect(metric.unit.wholeMatch(of: /(s|By|1|\{[A-Za-z_]+\})(\/min)?/) != nil, "\(metric.unit)")
            #expect(metric.unit.hasSuffix("/min") == (metric.kind == .rate))
            #expect(metric.meaning.hasSuffix("."))
        }
    }

    @Test func `the first reading has states only, and the second what came between`() async throws {
        let place = try await Place()
        let job = SystemMetrics(store: place.store, logger: Logger(label: "test"))
        let first = try await job.rows(monotonic: .seconds(10), own: Self.own)
        for name in ["gateway.request.rate", "db.sqlite.growth", "tallyd.run.count", "system.cpu.time"] {
            #expect(!first.contains { $0.name == name }, "\(name)")
        }
        #expect(first.contains { $0.name == "db.sqlite.size" })
        #expect(first.first { $0.name == "tallyd.rollup.lag.rows" }?.value == 3)
        let second = try await job.rows(monotonic: .seconds(40), own: Self.own)
        #expect(second.first { $0.name == "tallyd.metrics.interval" }?.value == 30)
        #expect(second.first { $0.name == "gateway.request.rate" }?.value == 0)
        #expect(
            second.filter { $0.name == "tallyd.run.count" }.map(\.value) == [5, 0, 0, 0])
    }

    @Test func `a window that is too short goes on`() async throws {
        let place = try await Place()
        let job = SystemMetrics(store: place.store, logger: Logger(label: "test"))
        _ = try await job.rows(monotonic: .seconds(10), own: Self.own)
        let soon = try await job.rows(monotonic: .milliseconds(10_100), own: Self.own)
        #expect(!soon.contains { $0.name.hasPrefix("gateway.") })
        let later = try await job.rows(monotonic: .seconds(70), own: Self.own)
        #expect(later.contains { $0.name == "gateway.request.rate" })
    }

    @Test func `a measurement becomes rows of the contract's table`() async throws {
        let place = try await Place()
        let job = SystemMetrics(store: place.store, logger: Logger(label: "test"))
        let now = Instant(milliseconds: 1_795_561_385_000)
        let write = try await job.measure(now: now, monotonic: .seconds(10), own: Self.own)
        try await write.perform(in: place.store)
        let report = try await MetricsReport.read(place.store, now: now)
        #expect(report.series.count == Int(write.rows))
        #expect(report.series.first { $0.name == "tallyd.lane.count" }?.latest == MetricSeries.Point(at: now, value: 4))
    }

    @Test func `a source that can't be read is named once`() async throws {
        let place = try await Place()
        let lines = Lines()
        let nowhere = HostReader(procRoot: place.folder.path, sysRoot: place.folder.path)
        let job = SystemMetrics(store: place.store, host: nowhere, logger: lines.logger)
        let rows = try await job.rows(monotonic: .seconds(10), own: Self.own)
        _ = try await job.rows(monotonic: .seconds(70), own: Self.own)
        #expect(!rows.contains { $0.name == "system.cpu.logical.count" })
        #expect(lines.texts.count == 1)
        #expect(lines.texts.first?.contains("/proc/stat") == true)
    }
}

/// Keeps what is logged.
private final class Lines: Sendable {
    private let kept = Mutex<[String]>([])

    var texts: [String] { kept.withLock { $0 } }

    var logger: Logger {
        var logger = Logger(label: "test") { _ in Handler(lines: self) }
        logger.logLevel = .debug
        return logger
    }

    private struct Handler: LogHandler {
        let lines: Lines
        var logLevel = Logger.Level.debug
        var metadata: Logger.Metadata = [:]

        init(lines: Lines) { self.lines = lines }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            lines.kept.withLock { $0.append("\(event.message) \(event.metadata ?? [:])") }
        }
    }
}
