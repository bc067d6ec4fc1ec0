import ArgumentParser

/// `tallyd rollup`: what one does to daily totals by hand.
struct RollupCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollup",
        abstract: "Count usage into daily totals, check them, count days anew.",
        discussion:
            "The daemon (`tallyd run`) counts by itself; these are for doing it once, for checking and for mending.",
        subcommands: [
            RollupRun.self, RollupVerify.self, RollupRebuild.self, RollupStatusCommand.self, RollupRejects.self,
        ])
}
