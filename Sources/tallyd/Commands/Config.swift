import ArgumentParser

/// `tallyd config`.
struct Config: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check and explain the settings.", subcommands: [ConfigCheck.self])
}
