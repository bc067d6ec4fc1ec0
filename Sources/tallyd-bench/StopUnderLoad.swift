import Foundation
import Storage

/// From SIGTERM to the end of the process, amid the first rollup of the large database: beside a writer, and alone, when the daemon is the last to close
/// the database and its long log. A stop loses nothing of that rollup, so each daemon goes on where the last one was stopped, until all is counted.
struct StopUnderLoad {
    let tools: Tools
    let data: Dataset
    let rows: Int
    let runs: Int

    /// Of each side, at least; with more runs as many as they are.
    private static let leastStops = 20
    /// Seconds. Within them a daemon reads, and applies what it has read; alone it is soon done.
    private static let latestMoments = (besideWriter: 8.0, alone: 3.0)

    private struct Stop {
        let milliseconds: Double
        let status: Int32
        /// Whether it had a rollup in hand, which the next daemon goes on with.
        let isAmid: Bool
    }

    func measure() async throws -> [Measurement] {
        let scenario = "stop amid the first rollup of \(rows) rows"
        return lines("\(scenario), beside a writer", try await stops(besideWriter: true))
            + lines("\(scenario), alone", try await stops(besideWriter: false))
    }

    private func stops(besideWriter: Bool) async throws -> [Stop] {
        let wanted = max(runs, Self.leastStops)
        var stops: [Stop] = []
        while stops.count < wanted {
            let path = try data.copy(rows: rows, name: "stop", migrated: true)
            // Once all is counted, the rest begins anew.
            func stopUntilCounted() async throws {
                let latest = besideWriter ? Self.latestMoments.besideWriter : Self.latestMoments.alone
                repeat {
                    stops.append(try await stop(path, at: Double.random(in: 0...latest)))
                } while stops.count < wanted && stops.last?.isAmid == true
            }
            if besideWriter {
                try await GatewayView.startWriter(tools, path).beside { try await stopUntilCounted() }
            } else {
                try await stopUntilCounted()
            }
        }
        return stops
    }

    private func lines(_ scenario: String, _ stops: [Stop]) -> [Measurement] {
        let times = stops.map(\.milliseconds)
        let amid = stops.count(where: \.isAmid)
        let failures = stops.count { $0.status != 0 }
        return [
            Measurement(scenario: scenario, what: "stops", value: Double(stops.count), unit: "", bound: "≥ 20"),
            Measurement(
                scenario: scenario, what: "of them with a run in hand that goes on later", value: Double(amid), unit: ""
            ),
            Measurement(
                scenario: scenario, what: "exit status other than 0", value: Double(failures), unit: "", bound: "0"),
            Measurement(
                scenario: scenario, what: "SIGTERM to exit, p50", value: times.median, unit: "ms", spread: times.spread),
            Measurement(
                scenario: scenario, what: "SIGTERM to exit, longest", value: times.percentile(100), unit: "ms",
                bound: "≤ 1,000"),
        ]
    }

    /// - Parameter moment: in seconds from when the daemon has begun to count.
    private func stop(_ path: String, at moment: Double) async throws -> Stop {
        let last = try await lastRun(path)?.id
        let daemon = try ChildProcess.start(
            tools.tallyd, ["run", "--database", path], environment: ["TALLYD_LOG_LEVEL": "error"])
        do {
            try await begun(path, after: last)
            try await Task.sleep(for: .seconds(moment))
        } catch {
            daemon.interrupt()
            _ = try? daemon.wait()
            throw error
        }
        let sent = monotonicNanoseconds()
        daemon.interrupt()
        let ended = try daemon.wait()
        let milliseconds = Double(monotonicNanoseconds() - sent) / 1e6
        let isAmid = try await lastRun(path)?.state == .cancelled
        return Stop(milliseconds: milliseconds, status: ended.status, isAmid: isAmid)
    }

    /// By a connection that is closed again, so that the daemon is the last to close the database if it is alone.
    private func lastRun(_ path: String) async throws -> JobLedger.Run? {
        try await JobLedger(store: try Store(path: path)).last(of: "rollup")
    }

    /// Waits until a run of the rollup is in the ledger that wasn't there before.
    private func begun(_ path: String, after last: Int64?) async throws {
        let ledger = JobLedger(store: try Store(path: path))
        for _ in 0..<3_000 {
            if let run = try await ledger.last(of: "rollup"), run.id != last, run.state == .running { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw BenchError("the daemon began no rollup within 30 s")
    }
}
