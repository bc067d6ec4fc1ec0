import ArgumentParser
import Daemon
import Foundation
import Storage

/// `tallyd migrate`.
struct MigrateApply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply", abstract: "Run what has not run yet; meant when no other word follows.")

    @OptionGroup var options: DatabaseOptions

    @Flag(help: "List what would run, and change nothing.")
    var dryRun = false

    @Option(
        help: ArgumentHelp(
            "What the database is for: development (gets sample rows), staging or production. Recorded in it.",
            valueName: "name"))
    var environment: String?

    func run() async throws {
        let settings = try options.settings(deployment: environment)
        if dryRun {
            print(try await plan(settings))
            return
        }
        // Recorded only where somebody said it: the default is what a daemon assumes, not what a database is.
        let isSaid = settings.listing.entries.contains { $0.name == "TALLYD_ENVIRONMENT" && $0.source != .default }
        let store = try Store.creating(path: settings.database, pace: settings.pace)
        print(try await migrate(store, environment: isSaid ? settings.environment : nil))
    }

    private func migrate(_ store: Store, environment: DeploymentEnvironment?) async throws -> String {
        let migrator = Migrator(store: store)
        let before = try await migrator.status()
        guard !before.isCurrent || (environment != nil && environment?.rawValue != before.environment) else {
            return "nothing to do: the schema is version \(before.schemaVersion ?? "unknown")"
        }
        let lock = try OwnerLock(database: store.path, description: Ownership.name("tallyd migrate"))
        let bar = ProgressBar()
        // The lock goes with the value, which must outlive the work.
        defer { withExtendedLifetime(lock) { bar.clear() } }
        let names = try await migrator.migrate(environment: environment) { name in
            bar.clear()
            bar.show("running \(name); stopping now would undo it")
        }
        bar.clear()
        // Connections that were open before the migration may answer from the schema that they saw then.
        let after = try await Migrator(store: Store(path: store.path, pace: store.writer.pace)).status()
        var lines = before.steps.filter { names.contains($0.name) }.map { "\($0.name)  \($0.verb)" }
        if before.environment != after.environment, let name = after.environment {
            lines.append("environment  \(name)")
        }
        let version = after.schemaVersion ?? "unknown"
        let change = before.schemaVersion == after.schemaVersion ? "" : "\(before.schemaVersion ?? "none") → "
        lines.append("schema  \(change)\(version)")
        return lines.map(\.printable).joined(separator: "\n")
    }

    private func plan(_ settings: Settings) async throws -> String {
        let status: Migrator.Status
        let exists = FileManager.default.fileExists(atPath: settings.database)
        if exists {
            status = try await Migrator(store: Store(path: settings.database, pace: settings.pace)).status()
        } else {
            status = try await Self.statusOfNothing()
        }
        guard !status.isCurrent else {
            return "nothing to do: the schema is version \(status.schemaVersion ?? "unknown")"
        }
        let head = exists ? "" : "would make \(settings.database.printable)\n"
        let steps = status.waiting.map { step in
            step.state == .adoptable ? "would adopt \(step.name): its tables are there" : "would run \(step.name)"
        }
        return head + steps.joined(separator: "\n") + "\nnothing was changed"
    }

    /// What a new database would be told, learnt from an empty one in a folder of its own: the wanted file must not come to be.
    private static func statusOfNothing() async throws -> Migrator.Status {
        let folder = FileManager.default.temporaryDirectory.appending(path: "tallyd-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        let store = try Store.creating(path: folder.appending(path: "empty.db").path)
        return try await Migrator(store: store).status()
    }
}

extension Migrator.Step {
    /// What running it meant.
    fileprivate var verb: String {
        state == .adoptable ? "adopted" : "ran"
    }
}
