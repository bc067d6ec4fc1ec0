import ArgumentParser
import Daemon
import Foundation
import Scheduling

/// `tallyd reload`.
///
/// Reads no settings but the database's path: systemd starts it with the new file's variables, and when these are wrong it is
/// the daemon that has to say so.
struct ReloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Have the running daemon read its settings file again, and wait for its answer.",
        discussion: """
            Prints what has changed and what waits for a restart. When one setting is wrong, nothing changes, every problem is printed, \
            and it ends with 78; with 75 when no daemon answers. The daemon is looked for in RUNTIME_DIRECTORY, beside the database, \
            and in /run/tallyd.

            EXAMPLES
              systemctl reload tallyd
              tallyd reload --database usage.db
            """)

    @Option(
        name: .customLong("database"),
        help: ArgumentHelp("The daemon's database, in place of TALLYD_DATABASE.", valueName: "file"))
    var file: String?

    @Option(
        help: ArgumentHelp("How long to wait for the answer, such as 30s.", valueName: "duration"),
        transform: Self.duration)
    var timeout: Duration = .seconds(10)

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let named = (file ?? environment["TALLYD_DATABASE"]).flatMap { $0.isEmpty ? nil : $0 }
        let client = ControlClient(
            ControlAddress.candidates(environment: environment, database: named), timeout: timeout)
        let reply: ControlReply
        do throws(ControlClient.Failure) {
            reply = try await client.ask(.reload)
        } catch {
            Terminal.complain(error.description)
            throw ExitCode(error.status)
        }
        if reply.status == 0 {
            print(reply.lines.map(\.printable).joined(separator: "\n"))
        } else {
            Terminal.complain(reply.lines.joined(separator: "\n"))
            throw ExitCode(reply.status)
        }
    }

    @Sendable static func duration(_ text: String) throws -> Duration {
        do throws(DurationText.Problem) {
            return try DurationText.parse(text)
        } catch {
            throw ValidationError("--timeout=\(text) is no duration; write one such as 10s.")
        }
    }
}
