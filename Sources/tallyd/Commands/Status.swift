import ArgumentParser

/// `tallyd status`.
struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what is counted, what is not yet, who counts, and how the database is.",
        discussion: """
            Counts, corrects and repairs nothing, and works with and without a daemon. Ends with 65 on a database that is not migrated.

            EXAMPLES
              tallyd status
              tallyd status --json | jq .rollup.lag_rows
            """)

    @OptionGroup var options: DatabaseOptions

    @Flag(help: .jsonHelp) var json = false

    func run() async throws {
        let overview = try await Overview.read(try await UsageDatabase.open(options))
        print(json ? try overview.json.text() : overview.lines.joined(separator: "\n"))
    }
}
