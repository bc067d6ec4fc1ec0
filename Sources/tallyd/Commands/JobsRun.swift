import ArgumentParser
import Daemon
import Logging
import Storage

/// `tallyd jobs run`.
struct JobsRun: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run a job now, whatever its schedule says.",
        discussion: """
            Where a daemon serves the database, it runs the job, after the run in hand if there is one; otherwise this command does.             The run stands in the job's history like any other.

            EXAMPLES
              tallyd jobs run system_metrics
              tallyd jobs run rollup --dry-run
            """)

    @Argument(help: "The job.") var job: JobName
    @Flag(help: "Only say what a run would do; write nothing.") var dryRun = false
    @Option(
        help: ArgumentHelp("How long to wait for the daemon's answer, such as 10m.", valueName: "duration"),
        transform: ReloadCommand.duration)
    var timeout: Duration = .seconds(600)
    @OptionGroup var options: DatabaseOptions

    private static let command = "tallyd jobs run"

    func run() async throws {
        let database = try await UsageDatabase.open(options)
        let name = job.entry.name
        guard !dryRun else {
            let sentence = try await job.entry.preview(
                JobCatalog.Look(
                    store: database.store, zone: database.zone, settings: database.settings, now: WallClock.now(),
                    monotonic: WallClock.monotonic(), logger: Self.logger))
            print("\(name): \(sentence)")
            return
        }
        let ownership: Ownership
        do {
            ownership = try await Ownership.take(database.store, command: Self.command, now: WallClock.now())
        } catch let error as StorageError where error.kind == .ownedByAnother {
            return try await askDaemon(name, database)
        }
        try await alone(name, database, ownership)
    }

    private func askDaemon(_ name: String, _ database: UsageDatabase) async throws {
        let reply: ControlReply
        do throws(ControlClient.Failure) {
            reply = try await RunningDaemon(database).run(name, timeout: timeout)
        } catch {
            Terminal.complain(error.description)
            throw ExitCode(error.status)
        }
        try show(reply)
    }

    private func alone(_ name: String, _ database: UsageDatabase, _ ownership: Ownership) async throws {
        let interruption = Interruption()
        let settings = database.settings
        try settings.checkPrograms()
        let jobs = JobCatalog.jobs(
            JobCatalog.Parts(
                store: database.store, zone: database.zone, term: ownership.term, settings: { settings },
                now: WallClock.now, monotonic: WallClock.monotonic, logger: Self.logger, silence: { nil }))
        for job in jobs where job.name == name {
            let lane = Lane(
                job,
                Lane.Parts(
                    ledger: JobLedger(store: database.store, term: ownership.term), longestWait: { .seconds(10) },
                    now: WallClock.now, monotonic: WallClock.monotonic, standing: {}, beat: {}, report: { _ in },
                    isInterrupted: { interruption.isRaised }),
                database: database.path, logger: Self.logger)
            let report = await lane.runAlone()
            if case .failed(let error) = report { throw error }
            try interruption.check()
            try show(report.reply(for: name))
        }
    }

    private func show(_ reply: ControlReply) throws {
        if reply.status == 0 {
            print(reply.lines.map(\.printable).joined(separator: "\n"))
        } else {
            Terminal.complain(reply.lines.joined(separator: "\n"))
            throw ExitCode(reply.status)
        }
    }

    /// What the daemon would log is in the command's output.
    private static let logger = Logger.silent
}

extension Logger {
    /// For what logs as the daemon does where the command itself tells all of it.
    static let silent = Logger(label: "tallyd") { _ in SwiftLogNoOpLogHandler() }
}
