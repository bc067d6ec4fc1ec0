import ArgumentParser
import Daemon
import Foundation
import Storage

/// The program's face: what it can do, and how it ends.
@main
struct Tallyd: AsyncParsableCommand {
    /// The version of this program; the schema has one of its own.
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "tallyd",
        abstract: "Keep exact daily totals of an OpenAI-compatible gateway's usage, beside its SQLite database.",
        discussion: """
            Settings are TALLYD_* variables; `tallyd config check` prints each with its value and meaning. \
            Every command takes --database in place of TALLYD_DATABASE.

            EXAMPLES
              tallyd migrate --database usage.db   bring a database to the present schema
              tallyd run                           the daemon
              tallyd reload                        have it read its settings file again
              tallyd status                        what is counted, what is not
              tallyd report --by model --last 7d   usage and cost
              tallyd jobs                          what runs when, and how it went
              tallyd retention plan                what would be removed now, and why not more
              tallyd compact --dry-run             what a rewrite without free pages would find
              tallyd metrics --match gateway       how the gateway and its host are
              tallyd webhooks dead --since 1d      what could not be delivered, and why
              tallyd erase --user U --dry-run      what an erasure of a person would do

            EXIT STATUS
              0    done
              1    `rollup verify` found a drift, `webhooks test` was not delivered, or a failure without its own status
              64   the command line is wrong
              65   the data is in the way: not migrated, newer, damaged, held, another zone
              66   there is no such file, or it is no usage database
              75   try again later: locked, another tallyd has it, no space left, no daemon answers
              77   the file or its folder may not be read or written
              78   a setting is wrong
              130  stopped by Ctrl-C (143: SIGTERM); what was committed stays right. `run` and `webhooks listen` end with 0
            """,
        version: version,
        subcommands: [
            Run.self, ReloadCommand.self, Status.self, Report.self, Metrics.self, Jobs.self, RollupCommands.self,
            Retention.self, Hold.self, Archive.self, WebhookCommands.self, Erase.self, Migrate.self, Compact.self,
            Config.self,
        ])

    /// In place of the library's own: its errors end as it has them end (usage errors with 64), ours as `ExitStatus` says.
    static func main() async {
        Store.keepOneHeap()
        do {
            var command = try parseAsRoot()
            do {
                if var running = command as? any AsyncParsableCommand {
                    try await running.run()
                } else {
                    try command.run()
                }
            } catch let error where error is StorageError || error is SettingsError || error is Interrupted {
                Terminal.complain("\(error)")
                Foundation.exit(ExitStatus(of: error).rawValue)
            } catch let error as ValidationError {
                // The command line was well-formed: its usage would push what is wrong with it off the screen.
                Terminal.complain(error.message)
                Foundation.exit(ExitCode.validationFailure.rawValue)
            }
        } catch {
            exit(withError: error)
        }
    }
}
