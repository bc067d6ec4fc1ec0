import Foundation
import Scheduling
import Storage

/// One tick of 10,000 new rows, on a small and on a large database, in this process.
struct Tick {
    let data: Dataset
    let rows: Int
    let runs: Int

    private static let newRows = 10_000

    func measure() async throws -> [Measurement] {
        var results: [Measurement] = []
        var medians: [Double] = []
        for size in [100_000, rows] {
            let (ticks, scans, pages) = try await measure(size)
            medians.append(ticks.median)
            let scenario = "tick of 10,000 rows on \(size)"
            let allowed = zip(ticks, scans).map { $0 / (10 + 2 * $1) }
            results += [
                Measurement(scenario: scenario, what: "tick", value: ticks.median, unit: "ms", spread: ticks.spread),
                Measurement(
                    scenario: scenario, what: "plain scan of the new rows", value: scans.median, unit: "ms",
                    spread: scans.spread),
                Measurement(
                    scenario: scenario, what: "tick / (10 ms + 2 × scan)", value: allowed.median, unit: "×",
                    spread: allowed.spread,
                    bound: "≤ 1"),
                Measurement(
                    scenario: scenario, what: "pages written to the log", value: pages.median, unit: "",
                    spread: pages.spread),
            ]
        }
        results.append(
            Measurement(
                scenario: "tick of 10,000 rows", what: "large / small", value: medians[1] / medians[0], unit: "×",
                bound: "0.8–1.2"))
        return results
    }

    private func measure(_ size: Int) async throws -> (ticks: [Double], scans: [Double], pages: [Double]) {
        let path = try data.copy(rows: size, name: "tick-\(size)", migrated: true)
        let store = try Store(path: path)
        let now = Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
        let rollup = Rollup(store: store, zone: .utc) { now }
        _ = try await rollup.run()
        var ticks: [Double] = []
        var scans: [Double] = []
        var pages: [Double] = []
        for round in 0..<runs + 1 {
            try insert(path)
            // The writer has gone: what is measured is the tick, not the politeness.
            try await Task.sleep(for: .milliseconds(200))
            let before = monotonicNanoseconds()
            _ = try await store.scan(last: Self.newRows)
            let written = store.writer.totals.pages
            let between = monotonicNanoseconds()
            let outcome = try await rollup.run()
            let after = monotonicNanoseconds()
            guard outcome.rows == Self.newRows else { throw BenchError("a tick counted \(outcome.rows) rows") }
            if round == 0 { continue }  // warms the caches of both
            scans.append(Double(between - before) / 1e6)
            ticks.append(Double(after - between) / 1e6)
            pages.append(Double(store.writer.totals.pages - written))
        }
        return (ticks, scans, pages)
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
