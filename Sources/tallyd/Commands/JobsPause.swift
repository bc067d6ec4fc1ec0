import ArgumentParser
import Daemon
import Foundation
import Storage

/// `tallyd jobs pause`.
struct JobsPause: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Keep a job from being started by its schedule, over restarts too.",
        discussion: "A run that goes on ends as it would; `tallyd jobs run` still runs it.")

    @Argument(help: "The job.") var job: JobName
    @OptionGroup var options: DatabaseOptions

    func run() async throws {
        let database = try await UsageDatabase.open(options)
        let name = job.entry.name
        let isNew = try await JobLedger(store: database.store).pause(name, now: WallClock.now())
        await RunningDaemon(database).lookAgain()
        print(isNew ? "\(name) is paused; `tallyd jobs resume \(name)` ends that" : "\(name) was paused already")
    }
}

/// `tallyd jobs resume`.
struct JobsResume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Let a paused job be started by its schedule again.")

    @Argument(help: "The job.") var job: JobName
    @OptionGroup var options: DatabaseOptions

    func run() async throws {
        let database = try await UsageDatabase.open(options)
        let name = job.entry.name
        let wasPaused = try await JobLedger(store: database.store).resume(name)
        await RunningDaemon(database).lookAgain()
        print(wasPaused ? "\(name) goes on; a missed slot is run at once" : "\(name) was not paused")
    }
}

/// The daemon that serves a database, reached over its control socket.
struct RunningDaemon {
    private let addresses: [ControlAddress]

    init(_ database: UsageDatabase) {
        addresses = ControlAddress.candidates(
            environment: ProcessInfo.processInfo.environment, database: database.path)
    }

    /// Has its lanes look again. A daemon that can't be reached looks within ten seconds by itself.
    func lookAgain() async {
        _ = try? await ControlClient(addresses, timeout: .seconds(2)).ask(.wake)
    }

    /// Has it run a job, which may take long.
    func run(_ job: String, timeout: Duration) async throws(ControlClient.Failure) -> ControlReply {
        try await ControlClient(addresses, timeout: timeout).ask(.run(job: job, dryRun: false))
    }
}
