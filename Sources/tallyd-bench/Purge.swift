import Foundation

/// What removing four fifths of a large table takes, alone and with archives, beside one DELETE statement of the sqlite3 shell; and what the
/// gateway notices of it.
struct Purge {
    let tools: Tools
    let data: Dataset
    let rows: Int
    let days: Int

    /// For so many seconds the gateway's stand-in writes alone, and then beside the purge.
    private static let besideSeconds = 60

    func measure() async throws -> [Measurement] {
        let statement = try deleteStatement()
        let plain = try purge("purge", archive: nil, isSealed: true)
        let archived = try purge("purge-archived", archive: data.folder + "/purge-archive", isSealed: false)
        return [statement] + lines("purge, \(rows) rows", plain, "purged")
            + lines("purge with archives", archived, "sealed, archived, verified and purged")
            + (try await beside())
    }

    /// A rolled up copy of which the newest fifth of the days is to stay, approved.
    private func prepare(_ name: String, isSealed: Bool) throws -> (path: String, environment: [String: String]) {
        let path = try data.copy(rows: rows, name: name, migrated: true)
        let environment = [
            "TALLYD_DATABASE": path, "TALLYD_RETENTION_USAGE_LOGS": "\(max(3, days / 5))d",
            "TALLYD_RETENTION_RUN_LIMIT": "1d",
        ]
        try check(ChildProcess.run(tools.tallyd, ["rollup", "run"], environment: environment))
        if isSealed {
            let forever = environment.merging(["TALLYD_RETENTION_USAGE_LOGS": "forever"]) { $1 }
            try check(ChildProcess.run(tools.tallyd, ["jobs", "run", "retention"], environment: forever))
        }
        try check(ChildProcess.run(tools.shell, [path], input: "PRAGMA wal_checkpoint(TRUNCATE);"))
        try check(ChildProcess.run(tools.tallyd, ["retention", "approve", "usage_logs"], environment: environment))
        return (path, environment)
    }

    private struct Result {
        let seconds: Double
        let removed: Double
        let largestLog: Double
        let memory: Double
    }

    private func purge(_ name: String, archive: String?, isSealed: Bool) throws -> Result {
        var (path, environment) = try prepare(name, isSealed: isSealed)
        if let archive {
            try? FileManager.default.removeItem(atPath: archive)
            environment["TALLYD_ARCHIVE_DIRECTORY"] = archive
        }
        let before = try count(path)
        let child = try ChildProcess.start(tools.tallyd, ["jobs", "run", "retention"], environment: environment)
        let watch = LogWatch(path)
        let ended = try child.wait()
        let largest = watch.stop()
        try check(ended)
        return Result(
            seconds: ended.seconds, removed: before - (try count(path)), largestLog: largest,
            memory: Double(ended.peakMemoryBytes) / 1_048_576)
    }

    private func lines(_ scenario: String, _ result: Result, _ what: String) -> [Measurement] {
        [
            Measurement(scenario: scenario, what: "rows \(what)", value: result.removed, unit: "rows"),
            Measurement(
                scenario: scenario, what: what, value: result.removed / result.seconds, unit: "rows/s",
                bound: "≥ 50,000"),
            Measurement(scenario: scenario, what: "largest log", value: result.largestLog, unit: "MiB", bound: "≤ 16"),
            Measurement(scenario: scenario, what: "peak memory of tallyd", value: result.memory, unit: "MiB"),
        ]
    }

    /// The same rows by one statement, which stops every writer for as long as it takes.
    private func deleteStatement() throws -> Measurement {
        let (path, _) = try prepare("purge-statement", isSealed: false)
        let before = try count(path)
        let statement = """
            DELETE FROM usage_logs
            WHERE created_at < (
              SELECT date(created_at, '-\(max(3, days / 5)) days')
              FROM usage_logs
              -- some have a time that nobody can read
              WHERE date(created_at) IS NOT NULL
              ORDER BY id DESC
              LIMIT 1
            );
            """
        let child = try ChildProcess.run(tools.shell, [path], input: statement)
        try check(child)
        let removed = before - (try count(path))
        return Measurement(
            scenario: "purge, \(rows) rows", what: "one DELETE statement, sqlite3 shell",
            value: removed / child.seconds,
            unit: "rows/s")
    }

    // MARK: Beside the gateway

    private func beside() async throws -> [Measurement] {
        let (path, environment) = try prepare("purge-gateway", isSealed: true)
        let alone = try await write(path) { try await Task.sleep(for: .seconds(Self.besideSeconds)) }
        let before = try count(path)
        var largest = 0.0
        // The daemon, whose rollup counts what comes: a day is sealed, and purged, only while it is not far behind.
        let daemon = try ChildProcess.start(tools.tallyd, ["run"], environment: environment)
        let beside = try await daemon.beside {
            try await Task.sleep(for: .seconds(5))
            return try await write(path) {
                let asking = try ChildProcess.start(
                    tools.tallyd, ["jobs", "run", "retention"], environment: environment)
                let watch = LogWatch(path)
                try await Task.sleep(for: .seconds(Self.besideSeconds))
                largest = watch.stop()
                asking.interrupt()
                _ = try asking.wait()
            }
        }
        let removed = before + Double(beside.count) - (try count(path))
        let scenario = "purge beside the gateway at 500/s"
        func line(_ what: String, _ value: Double, _ unit: String, _ bound: String? = nil) -> Measurement {
            Measurement(scenario: scenario, what: what, value: value, unit: unit, bound: bound)
        }
        return [
            line("rows purged in \(Self.besideSeconds) s", removed, "rows"),
            line("SQLITE_BUSY alone", Double(alone.busy), ""), line("SQLITE_BUSY beside", Double(beside.busy), "", "0"),
            line("p99 alone", alone.p99_ms, "ms"), line("p99 beside", beside.p99_ms, "ms"),
            line("p99 beside − alone", beside.p99_ms - alone.p99_ms, "ms", "≤ 5"),
            line("longest alone", alone.max_ms, "ms"), line("longest beside", beside.max_ms, "ms", "≤ 50 or as alone"),
            line("largest log", largest, "MiB", "≤ 16"),
        ]
    }

    private func write(_ path: String, during work: () async throws -> Void) async throws -> GatewayView.Report {
        let writer = try GatewayView.startWriter(tools, path)
        do {
            try await work()
        } catch {
            writer.interrupt()
            _ = try? writer.wait()
            throw error
        }
        writer.interrupt()
        return try GatewayView.report(writer.wait())
    }

    // MARK: Asking

    private func count(_ path: String) throws -> Double {
        let child = try ChildProcess.run(tools.shell, [path], input: "SELECT COUNT(*) FROM usage_logs;")
        try check(child)
        return Double(child.output.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
    }

    private func check(_ child: ChildProcess) throws {
        guard child.status == 0 else { throw BenchError("it ended with \(child.status)\n\(child.output)") }
    }
}

/// Looks at the size of a write-ahead log many times a second, from a thread of its own.
private final class LogWatch: @unchecked Sendable {
    // Guarded by `lock`.
    private var largest: Int64 = 0
    private var isOver = false
    private let lock = NSLock()

    init(_ path: String) {
        Thread.detachNewThread { [self] in
            while true {
                var found = stat()
                let size = stat(path + "-wal", &found) == 0 ? Int64(found.st_size) : 0
                lock.lock()
                largest = max(largest, size)
                let isOver = isOver
                lock.unlock()
                if isOver { return }
                usleep(20_000)
            }
        }
    }

    /// The largest that was seen, in MiB.
    func stop() -> Double {
        lock.lock()
        defer { lock.unlock() }
        isOver = true
        return Double(largest) / 1_048_576
    }
}
