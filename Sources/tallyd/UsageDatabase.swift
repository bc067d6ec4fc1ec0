import Daemon
import Scheduling
import Storage

/// The gateway's database, opened for a command as the settings say, and known to be at the present schema.
struct UsageDatabase: Sendable {
    let settings: Settings
    let store: Store
    let zone: Zone
    let schema: Migrator.Status

    var path: String { store.path }

    /// - Throws: `SettingsError`; `StorageError`, of kind `pendingMigration` where `tallyd migrate` has to run first.
    static func open(_ options: DatabaseOptions) async throws -> UsageDatabase {
        let settings = try options.settings()
        let store = try Store(path: settings.database, pace: settings.pace)
        let schema = try await Migrator(store: store).status()
        guard schema.isCurrent else {
            let version = schema.schemaVersion.map { "its schema is version \($0)" } ?? "it has no schema yet"
            throw StorageError(
                .pendingMigration, cannot: "use", store.path,
                because: "\(version), and still to run is \(schema.waiting.map(\.name).joined(separator: ", "))",
                remedy:
                    "Run `tallyd migrate --database \(store.path)`; it keeps every row. With millions of rows choose a quiet time."
            )
        }
        try await store.checkShape()
        return UsageDatabase(settings: settings, store: store, zone: try settings.zone, schema: schema)
    }
}

extension Migrator.Status {
    /// Migrations that are not recorded as applied, in order.
    var waiting: [Migrator.Step] {
        steps.filter { if case .applied = $0.state { false } else { true } }
    }
}
