import ArgumentParser
import Foundation

/// Measures what the README promises, side by side with what it is compared to, in one run.
@main
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tallyd-bench",
        abstract:
            "Measure the rollup against 1.0.0's nightly statement, the gateway's latency with and without tallyd, a purge, and the daemon at work, idle and stopping.",
        discussion: """
            Needs the release builds of tallyd and gateway-sim beside it, the sqlite3 shell and openssl. Prints a table, and JSON with --json. \
            Nothing here passes or fails on a time: read the ratios.
            """)

    private static let scenarios = [
        "first", "tick", "gateway", "purge", "metrics", "slots", "idle", "stop", "webhooks", "isolation",
    ]

    @Option(help: "Rows of the large database.")
    var rows = 5_000_000

    @Option(help: "Days that they span.")
    var days = 90

    @Option(help: "Users.")
    var users = 2_000

    @Option(help: "Models.")
    var models = 8

    @Option(help: "Folder for the databases; kept between runs, so that they are made once.")
    var folder = NSTemporaryDirectory() + "tallyd-bench"

    @Option(
        help:
            "Only these scenarios, separated by commas: \(Self.scenarios.joined(separator: ", "))."
    )
    var only = Self.scenarios.joined(separator: ",")

    @Option(help: "Runs of each timed side; the median is printed.")
    var runs = 3

    @Flag(help: "Print JSON instead of the table.")
    var json = false

    func validate() throws {
        if let unknown = only.split(separator: ",").first(where: { !Self.scenarios.contains(String($0)) }) {
            throw ValidationError("\(unknown) is no scenario: there are \(Self.scenarios.joined(separator: ", "))")
        }
    }

    func run() async throws {
        let names = Set(only.split(separator: ",").map(String.init))
        let tools = try Tools()
        let data = Dataset(folder: folder, tools: tools, days: days, users: users, models: models)
        var results: [Measurement] = []
        if names.contains("first") {
            results += try FirstRollup(tools: tools, data: data, rows: rows, runs: runs).measure()
        }
        if names.contains("tick") {
            results += try await Tick(data: data, rows: rows, runs: max(runs, 5)).measure()
        }
        if names.contains("gateway") {
            results += try GatewayView(tools: tools, data: data, rows: rows).measure()
        }
        if names.contains("purge") {
            results += try await Purge(tools: tools, data: data, rows: rows, days: days).measure()
        }
        if names.contains("metrics") {
            results += try await MetricsTick(data: data, runs: max(runs, 5)).measure()
        }
        if names.contains("slots") {
            results += try await SlotToStart(tools: tools, data: data, runs: runs).measure()
        }
        if names.contains("idle") {
            results += try await Idle(tools: tools, data: data, rows: rows, runs: runs).measure()
        }
        if names.contains("stop") {
            results += try await StopUnderLoad(tools: tools, data: data, rows: rows, runs: runs).measure()
        }
        if names.contains("webhooks") {
            results += try await WebhookBench(tools: tools, data: data, runs: runs).measure()
        }
        if names.contains("isolation") {
            results += try await WebhookBench(tools: tools, data: data, runs: runs).isolation()
        }
        print(json ? try Measurement.json(results) : Measurement.table(results))
    }
}
