import ArgumentParser

/// `tallyd rollup status`: the part of `tallyd status` that is about counting.
struct RollupStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Say how far usage is counted.",
        discussion: "Writes nothing, and works with and without a daemon. `tallyd status` says more.")

    @OptionGroup var options: DatabaseOptions

    @Flag(help: .jsonHelp) var json = false

    func run() async throws {
        let overview = try await Overview.read(try await UsageDatabase.open(options))
        print(json ? try overview.rollupJSON.text() : overview.rollupLines.joined(separator: "\n"))
    }
}
