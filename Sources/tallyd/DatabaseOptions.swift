import ArgumentParser
import Daemon
import Foundation

/// What every command takes.
struct DatabaseOptions: ParsableArguments {
    @Option(
        name: .customLong("database"),
        help: ArgumentHelp("The gateway's database, in place of TALLYD_DATABASE.", valueName: "file"))
    var file: String?

    @Option(
        help: ArgumentHelp(
            "A file of settings, in place of TALLYD_ENVIRONMENT_FILE. Fills in what the environment does not say.",
            valueName: "file"))
    var environmentFile: String?

    /// Where the settings come from, for a daemon that reads them again.
    func origin(deployment: String? = nil) -> SettingsOrigin {
        SettingsOrigin(
            environment: ProcessInfo.processInfo.environment, environmentFile: environmentFile, database: file,
            deployment: deployment)
    }

    /// Reads all settings, so that a wrong one is an error of every command and not only of the daemon's next start.
    ///
    /// - Throws: `SettingsError` with every problem.
    func settings(deployment: String? = nil) throws(SettingsError) -> Settings {
        try origin(deployment: deployment).read()
    }
}

extension ArgumentHelp {
    /// One wording of --json for every command.
    static let jsonHelp: ArgumentHelp = "Print JSON with stable keys instead of text."
}
