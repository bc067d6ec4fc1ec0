import ArgumentParser
import Daemon
import Scheduling
import Storage

/// `tallyd jobs history`.
struct JobsHistory: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "List a job's runs, newest first.",
        discussion: "Kept are the newest 2,000 runs of a job, for 30 days at most.")

    @Argument(help: "The job.") var job: JobName
    @Option(name: .shortAndLong, help: "Runs that are listed at most.") var number = 20
    @OptionGroup var options: DatabaseOptions
    @Flag(help: .jsonHelp) var json = false

    func validate() throws {
        guard number > 0 else { throw ValidationError("--number \(number) lists nothing: write 1 or more.") }
    }

    func run() async throws {
        let database = try await UsageDatabase.open(options)
        let runs = try await JobLedger(store: database.store).latest(number, of: job.entry.name)
        if json {
            print(try JSONValue.object(["runs": .array(runs.map(Self.json))]).text())
        } else {
            print(Self.text(runs, job: job.entry.name))
        }
    }

    static func text(_ runs: [JobLedger.Run], job: String) -> String {
        guard !runs.isEmpty else { return "\(job) has not run yet" }
        var table = TextTable([
            .left("slot"), .left("started"), .left("state"), .right("took"), .right("rows"), .right("lock"),
            .left("error"),
        ])
        table.rows = runs.map { run in
            [
                run.slot.description, run.startedAt.description, state(run), took(run) ?? "–", Figures.count(run.rows),
                "\(Figures.fixed(Double(run.lockMicroseconds) / 1_000, 1)) ms", run.error ?? "",
            ]
        }
        return table.lines().joined(separator: "\n")
    }

    static func state(_ run: JobLedger.Run) -> String {
        run.state.rawValue + (run.attempt > 1 ? ", attempt \(run.attempt)" : "")
    }

    static func took(_ run: JobLedger.Run) -> String? {
        run.finishedAt.map { DurationText.format(.milliseconds(max(0, $0.milliseconds - run.startedAt.milliseconds))) }
    }

    static func json(_ run: JobLedger.Run) -> JSONValue {
        .object([
            "run": JSONValue(run.id), "job": .string(run.job), "slot": JSONValue(run.slot),
            "attempt": JSONValue(run.attempt), "state": .string(run.state.rawValue),
            "started_at": JSONValue(run.startedAt), "finished_at": JSONValue(run.finishedAt),
            "rows": JSONValue(run.rows), "lock_us": JSONValue(run.lockMicroseconds), "error": JSONValue(run.error),
        ])
    }
}
