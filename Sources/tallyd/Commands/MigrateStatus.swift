import ArgumentParser
import Daemon
import Storage

/// `tallyd migrate status`.
struct MigrateStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "List the migrations and whether they ran.")

    @OptionGroup var options: DatabaseOptions

    @Flag(help: .jsonHelp) var json = false

    func run() async throws {
        let settings = try options.settings()
        let status = try await Migrator(store: Store(path: settings.database, pace: settings.pace)).status()
        print(json ? try Self.json(status).text() : Self.text(status))
    }

    static func text(_ status: Migrator.Status) -> String {
        var table = TextTable([.left("migration"), .left("state"), .left("since")])
        table.rows = status.steps.map { step in
            switch step.state {
            case .applied(let date): [step.name, "applied", date]
            case .adoptable: [step.name, "to be adopted", ""]
            case .pending: [step.name, "pending", ""]
            }
        }
        let environment = status.environment.map { ", environment \($0)" } ?? ""
        let head = status.isEmpty ? "empty database" : "schema \(status.schemaVersion ?? "unknown")\(environment)"
        let end = status.isCurrent ? "nothing to do" : "`tallyd migrate` runs what is pending"
        return ([head.printable] + table.lines() + [end]).joined(separator: "\n")
    }

    static func json(_ status: Migrator.Status) -> JSONValue {
        let steps = status.steps.map { step -> JSONValue in
            let (state, date): (String, String?) =
                switch step.state {
                case .applied(let date): ("applied", date)
                case .adoptable: ("adoptable", nil)
                case .pending: ("pending", nil)
                }
            return [
                "number": JSONValue(step.number), "name": .string(step.name), "state": .string(state),
                "applied_at": JSONValue(date),
            ]
        }
        return [
            "schema_version": JSONValue(status.schemaVersion), "environment": JSONValue(status.environment),
            "current": .bool(status.isCurrent), "empty": .bool(status.isEmpty), "migrations": JSONValue(steps),
        ]
    }
}
