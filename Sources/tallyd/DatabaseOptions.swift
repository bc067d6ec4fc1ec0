import ArgumentParser
import Daemon
import Foundation

/// What every command takes.
struct DatabaseOptions: ParsableArguments {
    @Option(
        name: .customLong("database"),
        help: ArgumentHelp("The gateway's database, in place of TALLYD_DATABASE.", valueName: "file"))
    var file: String?

    /// Reads all settings, so that a wrong one is an error of every command and not only of the daemon's next start.
    ///
    /// - Throws: `SettingsError` with every problem.
    func settings(deployment: String? = nil) throws(SettingsError) -> Settings {
        try Settings(environment: ProcessInfo.processInfo.environment, database: file, deployment: deployment)
    }
}

extension ArgumentHelp {
    /// One wording of --json for every command.
    static let jsonHelp: ArgumentHelp = "Print JSON with stable keys instead of text."
}
