import ArgumentParser
import Storage

/// `tallyd metrics`.
struct Metrics: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the latest of every metric in system_metrics, with its last hour.",
        discussion: """
            Everybody's metrics, not only those that the daemon writes. Of the tags, those are shown in which the series of a name \
            differ; --json has all, and the values of the last hour. On a terminal with room a line shows that hour, from the series' \
            least value to its greatest. Writes nothing, and reads no more of the table than that, however long it is.

            EXAMPLES
              tallyd metrics
              tallyd metrics --match gateway
              tallyd metrics --match tallyd.rollup.lag --json | jq '.metrics[].value'
            """)

    /// How far back the lines go.
    static let window = Duration.seconds(3_600)

    @OptionGroup var options: DatabaseOptions

    @Option(help: ArgumentHelp("Only metrics whose name contains this, whatever the case.", valueName: "pattern"))
    var match: String?

    @Flag(help: .jsonHelp) var json = false

    func validate() throws {
        if match?.isEmpty == true { throw ValidationError("--match is empty: leave it out to have all metrics.") }
    }

    func run() async throws {
        let database = try await UsageDatabase.open(options)
        let now = WallClock.now()
        let report = try await MetricsReport.read(database.store, matching: match, now: now, window: Self.window)
        if json {
            print(try MetricsJSON.value(report, match: match, now: now).text())
        } else {
            let canvas =
                Terminal.hasOutput
                ? MetricsText.Canvas(width: Terminal.width, marks: Terminal.showsUnicode ? .blocks : .ascii) : nil
            let lines = MetricsText.lines(report, match: match, now: now, window: Self.window, canvas: canvas)
            print(lines.joined(separator: "\n"))
        }
    }
}
