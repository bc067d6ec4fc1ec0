import Foundation

/// A daemon with nothing to do: whether it leaves the database alone, and what it takes of the machine. Once on a small database that was counted
/// before, and once with the first rollup of the large one behind it in the same process.
struct Idle {
    let tools: Tools
    let data: Dataset
    let rows: Int
    let runs: Int

    private static let minute = 60
    private static let smallRows = 100_000
    /// The longest that settings allow.
    private static let environment = [
        "TALLYD_ROLLUP_INTERVAL": "1h", "TALLYD_METRICS_INTERVAL": "1h", "TALLYD_LOG_LEVEL": "error",
    ]

    func measure() async throws -> [Measurement] {
        let small = try data.copy(rows: Self.smallRows, name: "idle", migrated: true)
        let counted = try ChildProcess.run(tools.tallyd, ["rollup", "run", "--database", small])
        guard counted.status == 0 else {
            throw BenchError("rollup ended with \(counted.status)\n\(counted.output)")
        }
        var figures: [Figures] = []
        for _ in 0..<runs { figures.append(try await idle(small)) }
        var results = lines("idle for \(Self.minute) s, \(Self.smallRows) rows", figures)
        figures = []
        for _ in 0..<runs {
            figures.append(try await idle(try data.copy(rows: rows, name: "idle-first", migrated: true)))
        }
        results += lines("idle for \(Self.minute) s after the first rollup of \(rows) rows", figures)
        return results
    }

    private struct Figures {
        var changedFiles: Double = 0
        var wakeUps: Double = 0
        var processorPercent: Double = 0
        var resident: Double = 0
        var proportional: Double = 0
        var renewals: Double = 0
        var writeCalls: Double = 0
    }

    private func lines(_ scenario: String, _ figures: [Figures]) -> [Measurement] {
        func line(_ what: String, _ values: [Double], _ unit: String, _ bound: String? = nil) -> Measurement {
            Measurement(
                scenario: scenario, what: what, value: values.median, unit: unit, spread: values.spread, bound: bound)
        }
        return [
            line("database and log files changed", figures.map(\.changedFiles), "", "0"),
            line("wake-ups a second", figures.map(\.wakeUps), "", "a handful"),
            line("processor", figures.map(\.processorPercent), "%", "< 0.1"),
            line("resident memory", figures.map(\.resident), "MB", "< 40"),
            line("proportional memory", figures.map(\.proportional), "MB"),
            line("lease renewals in the lock file", figures.map(\.renewals), "", "one each 3 s"),
            line("write calls in all", figures.map(\.writeCalls), ""),
        ]
    }

    private func idle(_ path: String) async throws -> Figures {
        try await keepClearOfTheHour()
        let daemon = try ChildProcess.start(tools.tallyd, ["run", "--database", path], environment: Self.environment)
        return try await daemon.beside { try await watch(daemon.pid, path) }
    }

    private func watch(_ pid: pid_t, _ path: String) async throws -> Figures {
        try await settle(path)
        let process = ProcessFigures(pid: pid)
        let before = try DatabaseFiles(path)
        let began = try (process.processorNanoseconds(), process.writeCalls(), renewal(path), monotonicNanoseconds())
        var switches = try process.voluntarySwitches()
        var wakeUps = 0
        for _ in 0..<Self.minute {
            // Each second, since a thread that ends takes its count along.
            try await Task.sleep(for: .seconds(1))
            let present = try process.voluntarySwitches()
            for (thread, count) in present { wakeUps += count - (switches[thread] ?? 0) }
            switches = present
        }
        let elapsed = Double(monotonicNanoseconds() - began.3)
        var figures = Figures()
        figures.processorPercent = Double(try process.processorNanoseconds() - began.0) / elapsed * 100
        figures.wakeUps = Double(wakeUps) / (elapsed / 1e9)
        figures.writeCalls = Double(try process.writeCalls() - began.1)
        figures.renewals = Double(try renewal(path) - began.2)
        figures.resident = try process.memoryBytes("VmRSS", in: "status") / 1e6
        figures.proportional = try process.memoryBytes("Pss", in: "smaps_rollup") / 1e6
        figures.changedFiles = Double(try DatabaseFiles(path).differences(from: before))
        return figures
    }

    /// A slot of the hour would be due within the minute.
    private func keepClearOfTheHour() async throws {
        let left = 3_600 - Int(Date().timeIntervalSince1970) % 3_600
        if left < 180 { try await Task.sleep(for: .seconds(left + 1)) }
    }

    /// Waits until the files have rested for ten seconds: the first rollup and the hour's reading come at once.
    private func settle(_ path: String) async throws {
        var last = try DatabaseFiles.stamps(path)
        var quiet = 0
        while quiet < 10 {
            try await Task.sleep(for: .seconds(1))
            let stamps = try DatabaseFiles.stamps(path)
            quiet = stamps == last ? quiet + 1 : 0
            last = stamps
        }
    }

    /// The number that the lease in the lock file has reached.
    private func renewal(_ path: String) throws -> Int {
        let text = try String(contentsOfFile: path + "-tallyd.lock", encoding: .utf8)
        guard let number = text.split(whereSeparator: \.isWhitespace).last.flatMap({ Int($0) }) else {
            throw BenchError("no renewal in the lock file: \(text)")
        }
        return number
    }
}
