import ArgumentParser
import Daemon
import Scheduling
import Storage

/// `tallyd jobs`: the group, and the list.
struct Jobs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the daemon's jobs, run, pause and explain them.",
        discussion: """
            Works beside a running daemon and without one.

            EXAMPLES
              tallyd jobs                         every job with its last and next run
              tallyd jobs run rollup              now, whatever its schedule says
              tallyd jobs explain rollup -n 5     its next slots
            """,
        subcommands: [
            JobsList.self, JobsRun.self, JobsPause.self, JobsResume.self, JobsHistory.self, JobsExplain.self,
        ],
        defaultSubcommand: JobsList.self)
}

/// The name of a job, checked against those that there are.
struct JobName: ExpressibleByArgument {
    let entry: JobCatalog.Entry

    init?(argument: String) {
        guard let entry = JobCatalog.entries.first(where: { $0.name == argument }) else { return nil }
        self.entry = entry
    }

    static var allValueStrings: [String] { JobCatalog.entries.map(\.name) }
}

/// `tallyd jobs list`.
struct JobsList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List every job with its schedule, its last run and its next slot.")

    @OptionGroup var options: DatabaseOptions
    @Flag(help: .jsonHelp) var json = false

    struct Line {
        let entry: JobCatalog.Entry
        let schedule: Schedule
        let isEarly: Bool
        let pausedAt: Instant?
        let last: JobLedger.Run?
        let next: Instant?
    }

    func run() async throws {
        let database = try await UsageDatabase.open(options)
        let ledger = JobLedger(store: database.store)
        let now = WallClock.now()
        let pauses = try await ledger.pauses()
        var lines: [Line] = []
        for entry in JobCatalog.entries {
            let schedule = entry.schedule(database.settings)
            let paused = pauses[entry.name]
            lines.append(
                Line(
                    entry: entry, schedule: schedule, isEarly: entry.isEarly(database.settings), pausedAt: paused,
                    last: try await ledger.latest(1, of: entry.name).first,
                    next: paused == nil ? schedule.next(after: now)?.instant : nil))
        }
        let isServed = OwnerLock.holder(database: database.path) != nil
        print(json ? try Self.json(lines, isServed: isServed).text() : Self.text(lines, isServed: isServed))
    }

    static func text(_ lines: [Line], isServed: Bool) -> String {
        var table = TextTable([
            .left("job"), .left("schedule"), .left("last run"), .left("state"), .right("took"), .left("next slot"),
            .left("does"),
        ])
        table.rows = lines.map { line in
            [
                line.entry.name, "\(line.schedule)" + (line.isEarly ? ", and on changes" : ""),
                line.last?.startedAt.description ?? "never", line.last.map { JobsHistory.state($0) } ?? "–",
                line.last.flatMap { JobsHistory.took($0) } ?? "–",
                line.pausedAt.map { "paused since \($0)" } ?? line.next?.description ?? "never", line.entry.purpose,
            ]
        }
        let note = isServed ? [] : ["", "no daemon serves this database: nothing runs until `tallyd run`"]
        return (table.lines() + note).joined(separator: "\n")
    }

    static func json(_ lines: [Line], isServed: Bool) -> JSONValue {
        .object([
            "served": .bool(isServed),
            "jobs": .array(
                lines.map { line in
                    .object([
                        "job": .string(line.entry.name), "purpose": .string(line.entry.purpose),
                        "schedule": .string("\(line.schedule)"), "on_changes": .bool(line.isEarly),
                        "paused_at": JSONValue(line.pausedAt), "next_slot": JSONValue(line.next),
                        "last_run": line.last.map(JobsHistory.json) ?? .null,
                    ])
                }),
        ])
    }
}
