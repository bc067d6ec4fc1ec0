import Foundation

/// What the gateway notices: a process that inserts 500 rows a second with a busy timeout of 50 ms, first alone, then beside the first
/// rollup of the large database.
struct GatewayView {
    let tools: Tools
    let data: Dataset
    let rows: Int

    struct Report: Decodable {
        let count: Int
        let busy: Int
        let p50_ms: Double
        let p99_ms: Double
        let max_ms: Double
        let over_50ms: Int
    }

    func measure() throws -> [Measurement] {
        let path = try data.copy(rows: rows, name: "gateway", migrated: true)
        let alone = try write(path, seconds: 30)
        // The writer starts first and ends last, so that all of the rollup falls within it.
        let writer = try Self.startWriter(tools, path)
        Thread.sleep(forTimeInterval: 2)
        let rollup = try ChildProcess.run(tools.tallyd, ["rollup", "run", "--database", path])
        Thread.sleep(forTimeInterval: 1)
        writer.interrupt()
        let beside = try Self.report(writer.wait())
        guard rollup.status == 0 else { throw BenchError("rollup ended with \(rollup.status)\n\(rollup.output)") }
        let scenario = "gateway at 500/s"
        func line(_ what: String, _ value: Double, _ unit: String, _ bound: String? = nil) -> Measurement {
            Measurement(scenario: scenario, what: what, value: value, unit: unit, bound: bound)
        }
        return [
            line("rollup beside it took", rollup.seconds, "s"),
            line("inserts alone", Double(alone.count), "rows"), line("inserts beside", Double(beside.count), "rows"),
            line("SQLITE_BUSY alone", Double(alone.busy), ""), line("SQLITE_BUSY beside", Double(beside.busy), "", "0"),
            line("p50 alone", alone.p50_ms, "ms"), line("p50 beside", beside.p50_ms, "ms"),
            line("p99 alone", alone.p99_ms, "ms"), line("p99 beside", beside.p99_ms, "ms"),
            line("p99 beside − alone", beside.p99_ms - alone.p99_ms, "ms", "≤ 5"),
            line("longest alone", alone.max_ms, "ms"), line("longest beside", beside.max_ms, "ms", "≤ 50 or as alone"),
            line("over 50 ms alone", Double(alone.over_50ms), ""),
            line("over 50 ms beside", Double(beside.over_50ms), "", "0 or as alone"),
        ]
    }

    private func write(_ path: String, seconds: Int) throws -> Report {
        try Self.report(
            ChildProcess.run(
                tools.gateway,
                [
                    "write", "--database", path, "--rate", "500", "--seconds", "\(seconds)", "--busy-timeout", "50",
                    "--json", "-", "--quiet",
                ]))
    }

    /// The gateway's stand-in, until it is interrupted.
    static func startWriter(_ tools: Tools, _ path: String) throws -> ChildProcess.Running {
        try ChildProcess.start(
            tools.gateway,
            [
                "write", "--database", path, "--rate", "500", "--until-stopped", "--busy-timeout", "50", "--json", "-",
                "--quiet",
            ])
    }

    static func report(_ child: ChildProcess) throws -> Report {
        guard child.status == 0 else { throw BenchError("the writer ended with \(child.status)\n\(child.output)") }
        return try JSONDecoder().decode(Report.self, from: Data(child.output.utf8))
    }
}
