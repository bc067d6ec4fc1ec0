import Foundation
import Migrations

/// 1.0.0's own way, which is what the first rollup is compared to. This is the other side's SQL, run by the sqlite3 shell.
enum Baseline {
    /// Version 1.0.0 as the field has it.
    static var schema: String { MigrationFile.all[0].sql }

    static let nightlyStatement = """
        INSERT OR REPLACE INTO daily_usage_stats (id, date, user_id, model, total_requests, total_tokens, total_cost, avg_latency, success_rate)
        SELECT user_id || '-' || model || '-' || DATE(created_at), DATE(created_at), user_id, model, COUNT(*), SUM(input_tokens + output_tokens),
               SUM(cost), AVG(latency), 100.0 * SUM(status = 'success') / COUNT(*)
        FROM usage_logs
        WHERE DATE(created_at) IS NOT NULL
        GROUP BY DATE(created_at), user_id, model;
        """

    static let scan = """
        SELECT COUNT(user_id), COUNT(model), SUM(input_tokens), SUM(output_tokens), SUM(total_tokens), SUM(cost), SUM(latency),
               COUNT(status), COUNT(created_at)
        FROM usage_logs;
        """
}

/// The first rollup of a large database, as whole processes: ours, the nightly statement, and a plain scan of the same columns.
struct FirstRollup {
    let tools: Tools
    let data: Dataset
    let rows: Int
    let runs: Int

    func measure() throws -> [Measurement] {
        var ours: [Double] = []
        var nightly: [Double] = []
        var scans: [Double] = []
        var memory: [Double] = []
        var settling: [Double] = []
        for _ in 0..<runs {  // in turn, so that both sides meet the machine's moods
            let old = try data.copy(rows: rows, name: "first-nightly", migrated: false)
            scans.append(try time(tools.shell, [old], Baseline.scan).seconds)
            nightly.append(try time(tools.shell, [old], Baseline.nightlyStatement).seconds)
            let new = try data.copy(rows: rows, name: "first-rollup", migrated: true)
            _ = try time(tools.shell, [new], Baseline.scan)  // both sides find the file in the page cache
            let run = try time(tools.tallyd, ["rollup", "run", "--database", new], "")
            ours.append(run.seconds)
            memory.append(Double(run.peakMemoryBytes) / 1_048_576)
            // The shell copies its log back as it closes; ours is left to whoever has the database open, so it is told apart.
            settling.append(try time(tools.shell, [new], "PRAGMA wal_checkpoint(PASSIVE);").seconds)
        }
        let scenario = "first rollup, \(rows) rows"
        let ratios = zip(nightly, ours).map { $0 / $1 }
        let settled = zip(nightly, zip(ours, settling)).map { $0 / ($1.0 + $1.1) }
        return [
            Measurement(
                scenario: scenario, what: "nightly statement, sqlite3 shell", value: nightly.median, unit: "s",
                spread: nightly.spread),
            Measurement(
                scenario: scenario, what: "plain scan, sqlite3 shell", value: scans.median, unit: "s",
                spread: scans.spread),
            Measurement(
                scenario: scenario, what: "tallyd rollup run", value: ours.median, unit: "s", spread: ours.spread),
            Measurement(
                scenario: scenario, what: "times as fast as the nightly statement", value: ratios.median, unit: "×",
                spread: ratios.spread, bound: "≥ 3"),
            Measurement(
                scenario: scenario, what: "copying its log back afterwards, sqlite3 shell", value: settling.median,
                unit: "s",
                spread: settling.spread),
            Measurement(
                scenario: scenario, what: "times as fast, that included", value: settled.median, unit: "×",
                spread: settled.spread),
            Measurement(
                scenario: scenario, what: "peak memory of tallyd", value: memory.max() ?? 0, unit: "MiB",
                spread: memory.spread,
                bound: "< 150 MB"),
        ]
    }

    private func time(_ program: String, _ arguments: [String], _ input: String) throws -> ChildProcess {
        let child = try ChildProcess.run(program, arguments, input: input)
        guard child.status == 0 else {
            throw BenchError(
                "\(program) \(arguments.joined(separator: " ")) ended with \(child.status)\n\(child.output)")
        }
        return child
    }
}
