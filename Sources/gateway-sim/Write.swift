import ArgumentParser
import Foundation

/// `gateway-sim write`: live traffic at a steady rate, and how long the database made it wait.
struct Write: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes requests as they happen, at a steady rate, and reports its latencies.",
        discussion: "SIGTERM and SIGINT end it between two statements; it still reports."
    )

    @Option(help: "The database file. It must already hold the gateway's tables.")
    var database: String

    @Option(help: "Requests a second, above 0.")
    var rate = 500.0

    @Option(help: "How long to write, in seconds. (default: 10)")
    var seconds: Double?

    @Flag(help: "Write until SIGTERM or SIGINT.")
    var untilStopped = false

    @Option(help: "How long a statement waits for a lock, in milliseconds; 0 does not wait.")
    var busyTimeout: Int32 = 50

    @Option(help: "How many of a hundred requests happened up to a day earlier.")
    var latePercent = 1.0

    @Option(help: "After how many of a hundred requests a recent row is corrected.")
    var updatePercent = 0.0

    @Option(help: "After how many of a hundred requests a recent row is removed.")
    var deletePercent = 0.0

    @Option(help: "After how many of a hundred requests a webhook event is written, in the request's transaction.")
    var eventPercent = 0.0

    @Option(help: "Whose endpoints hear of the events. (default: the request's user's)")
    var eventUser: String?

    @Option(help: "How large an event's payload is, in bytes.")
    var eventBytes = 1_024

    @Option(help: "How many users, 1 or more.")
    var users = 400

    @Option(help: "How many models, 1 or more.")
    var models = 12

    @Option(help: "What the random numbers start from. (default: another one each time)")
    var seed: UInt64?

    @Option(help: "Where to write the report as JSON; - is standard output, in place of the text.")
    var json: String?

    @Flag(help: "Print no text.")
    var quiet = false

    func validate() throws {
        guard rate > 0, rate.isFinite else { throw ValidationError("--rate is \(rate); give a number above 0.") }
        if let seconds {
            guard seconds > 0, seconds < 1e9 else {
                throw ValidationError("--seconds is \(seconds); give a number above 0, or --until-stopped.")
            }
            guard !untilStopped else { throw ValidationError("--seconds and --until-stopped exclude each other.") }
        }
        guard busyTimeout >= 0 else { throw ValidationError("--busy-timeout is \(busyTimeout); give 0 or more.") }
        let percentages = [
            ("late", latePercent), ("update", updatePercent), ("delete", deletePercent), ("event", eventPercent),
        ]
        for (name, percent) in percentages {
            guard (0...100).contains(percent) else {
                throw ValidationError("--\(name)-percent is \(percent); give 0 to 100.")
            }
        }
        guard users >= 1 else { throw ValidationError("--users is \(users); give 1 or more.") }
        guard models >= 1 else { throw ValidationError("--models is \(models); give 1 or more.") }
    }

    func run() throws {
        let stop = StopSignal()
        let connection = try SQLiteConnection(path: database)
        try connection.requireGatewayTables()
        try PriceList.enter(Model.offer(models), into: connection)
        connection.wait(forLocksUpTo: busyTimeout)
        let traffic = Traffic(
            users: users,
            models: models,
            seed: seed ?? .random(in: 0...(.max)),
            // The moment of the start and the process keep the request ids of several writers apart, whatever their seeds.
            requestPrefix: "req-" + String(WallTime.now().milliseconds, radix: 16) + "-\(getpid())-"
        )
        let loop = OpenLoop(
            rate: rate,
            lasting: untilStopped ? nil : .seconds(seconds ?? 10),
            latePercent: latePercent,
            updatePercent: updatePercent,
            deletePercent: deletePercent,
            events: eventPercent > 0
                ? WebhookEvents(percent: eventPercent, user: eventUser, bytes: eventBytes) : nil
        )
        try hand(over: loop.run(on: connection, traffic, until: stop))
    }

    private func hand(over report: WriteReport) throws {
        if let json, json != "-" {
            do {
                try report.json.write(to: URL(fileURLWithPath: json), options: .atomic)
            } catch {
                throw GatewayError(
                    "cannot write the report to \(json): \(error.localizedDescription) Name a file in a folder that exists."
                )
            }
        }
        if json == "-" {
            FileHandle.standardOutput.write(try report.json)
        } else if !quiet {
            print(report.text)
        }
    }
}
