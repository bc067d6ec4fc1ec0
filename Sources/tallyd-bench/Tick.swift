import Foundation
import Scheduling
import Storage

/// One tick of 10,000 new rows, on a small and on a large database, in this process: first as a day begins, when most keys are new to it, and
/// then under way. At a rate that brings 10,000 rows within the longest interval but one (15 s), a day is under way after two minutes.
struct Tick {
    let data: Dataset
    let rows: Int
    let runs: Int

    private static let newRows = 10_000

    func measure() async throws -> [Measurement] {
        var results: [Measurement] = []
        var medians: [Double] = []
        for size in [100_000, rows] {
            let figures = try await measure(size)
            medians.append(figures.ticks.median)
            let scenario = "tick of 10,000 rows on \(size)"
            let allowed = zip(figures.ticks, figures.scans).map { $0 / (10 + 2 * $1) }
            results += [
                Measurement(
                    scenario: scenario, what: "the day's first \(figures.first.count) ticks",
                    value: figures.first.median, unit: "ms",
                    spread: figures.first.spread),
                Measurement(
                    scenario: scenario, what: "tick", value: figures.ticks.median, unit: "ms",
                    spread: figures.ticks.spread),
                Measurement(
                    scenario: scenario, what: "plain scan of the new rows", value: figures.scans.median, unit: "ms",
                    spread: figures.scans.spread),
                Measurement(
                    scenario: scenario, what: "tick / (10 ms + 2 × scan)", value: allowed.median, unit: "×",
                    spread: allowed.spread,
                    bound: "≤ 1"),
                Measurement(
                    scenario: scenario, what: "pages written to the log", value: figures.pages.median, unit: "",
                    spread: figures.pages.spread),
            ]
        }
        results.append(
            Measurement(
                scenario: "tick of 10,000 rows", what: "large / small", value: medians[1] / medians[0], unit: "×",
                bound: "0.8–1.2"))
        return results
    }

    private struct Figures {
        /// Milliseconds, and pages.
        var first: [Double] = []
        var ticks: [Double] = []
        var scans: [Double] = []
        var pages: [Double] = []
    }

    /// 80,000 rows: after them a tick finds nine in ten of its keys.
    private static let beginning = 8

    private func measure(_ size: Int) async throws -> Figures {
        let path = try data.copy(rows: size, name: "tick-\(size)", migrated: true)
        let store = try Store(path: path)
        let now = Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
        let rollup = Rollup(store: store, zone: .utc) { now }
        _ = try await rollup.run()
        // Its connections are its own: what it has read is not in the memory of those that the tick reads by.
        let scanning = try Store(path: path)
        var figures = Figures()
        for round in 0..<runs + Self.beginning {
            try insert(path)
            // The writer has gone: what is measured is the tick, not the politeness.
            try await Task.sleep(for: .milliseconds(200))
            let before = monotonicNanoseconds()
            _ = try await scanning.scan(last: Self.newRows)
            let written = store.writer.totals.pages
            let between = monotonicNanoseconds()
            let outcome = try await rollup.run()
            let after = monotonicNanoseconds()
            guard outcome.rows == Self.newRows else { throw BenchError("a tick counted \(outcome.rows) rows") }
            guard round >= Self.beginning else {
                figures.first.append(Double(after - between) / 1e6)
                continue
            }
            figures.scans.append(Double(between - before) / 1e6)
            figures.ticks.append(Double(after - between) / 1e6)
            figures.pages.append(Double(store.writer.totals.pages - written))
        }
        return figures
    }

    /// Ten minutes of the generator's traffic, stamped today.
    private func insert(_ path: String) throws {
        let child = try ChildProcess.run(
            data.tools.gateway,
            [
                "generate", "--database", path, "--rows", "\(Self.newRows)", "--days", "1", "--users", "\(data.users)",
                "--models",
                "\(data.models)", "--seed", "\(UInt32.random(in: 1...UInt32.max))",
                // SQLite's default, as gateways have it: the log is then written over and does not grow from tick to tick.
                "--wal-autocheckpoint", "1000",
            ])
        guard child.status == 0 else { throw BenchError("can't insert rows: \(child.output)") }
    }
}
