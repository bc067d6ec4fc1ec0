import Crypto
import Foundation
import GRDB
package import Migrations

/// Brings a database to the present schema version, in place.
///
/// Adopts what 1.0.0 left in the field: no tracking table, a tracking table with placeholder checksums, rows in every table. Each migration is
/// one transaction, recorded with the SHA-256 of its text; a landed migration whose text changed is refused, and so are a newer database and
/// a file that belongs to somebody else.
package struct Migrator: Sendable {
    let store: Store
    let files: [MigrationFile]

    package init(store: Store, files: [MigrationFile] = MigrationFile.all) {
        self.store = store
        self.files = files
    }

    /// One migration, seen from a database.
    package struct Step: Sendable, Equatable {
        package enum State: Sendable, Equatable {
            /// Recorded with the checksum of the text that this program holds.
            case applied(at: String)
            /// Its tables are there, but nobody recorded it, or with no real checksum: it is recorded, and not run over existing tables.
            case adoptable
            case pending
        }
        package let number: Int
        package let name: String
        package let state: State
    }

    package struct Status: Sendable, Equatable {
        package let steps: [Step]
        package let schemaVersion: String?
        package let environment: String?
        package let isEmpty: Bool

        /// True when there is nothing to do.
        package var isCurrent: Bool {
            steps.allSatisfy { if case .applied = $0.state { true } else { false } }
        }
    }

    /// Looks without changing anything.
    ///
    /// - Throws: `StorageError` of kind `notAUsageDatabase`, `newerSchema` or `changedMigration`.
    package func status() async throws -> Status {
        let files = files
        let path = store.path
        return try await store.read("read the schema of") { db in
            db.clearSchemaCache()  // the writer may just have changed it
            return try Self.status(db, files, path)
        }
    }

    /// Runs what is pending.
    ///
    /// - Parameters:
    ///   - environment: recorded in schema_metadata, and its setup file is run; nil leaves both alone.
    ///   - willRun: called before each migration, with its name.
    /// - Returns: the names of the migrations that ran or were adopted.
    package func migrate(
        environment: DeploymentEnvironment? = nil, willRun: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws -> [String] {
        let status = try await status()
        if let environment { try await check(environment, against: status) }
        var done: [String] = []
        for (file, step) in zip(files, status.steps) {
            if case .applied = step.state { continue }
            willRun(step.name)
            try await run(file, step: step)
            done.append(step.name)
        }
        if let environment { try await setUp(environment) }
        return done
    }

    private func check(_ environment: DeploymentEnvironment, against status: Status) async throws {
        if environment == .development, status.environment == nil, !status.isEmpty {
            let hasUsage = try await store.read("look for usage in") { db in
                try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM usage_logs)") ?? false
            }
            guard !hasUsage else {
                throw StorageError(
                    .wrongEnvironment, cannot: "set up", store.path,
                    because: "it holds usage and does not say what it is for, so it may be somebody's real one",
                    remedy:
                        "Sample rows only ever go into a development database: leave --environment out, or name another file."
                )
            }
        }
        guard let recorded = status.environment, recorded != environment.rawValue else { return }
        if environment == .development || recorded == DeploymentEnvironment.development.rawValue {
            throw StorageError(
                .wrongEnvironment, cannot: "set up", store.path,
                because: "it is a \(recorded) database, and --environment says \(environment.rawValue)",
                remedy: environment == .development
                    ? "Sample rows only ever go into a development database: leave --environment out, or name another file."
                    : "It holds sample rows: make a new database for \(environment.rawValue).")
        }
    }

    // MARK: Looking

    private static func status(_ db: Database, _ files: [MigrationFile], _ path: String) throws -> Status {
        let objects =
            try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'") ?? 0
        let hasUsage = try db.tableExists("usage_logs")
        guard objects == 0 || hasUsage else {
            throw StorageError(
                .notAUsageDatabase, cannot: "migrate", path,
                because: "it holds \(objects) tables and indexes of something else, and no usage_logs",
                remedy: "Name the gateway's database file in TALLYD_DATABASE or --database; nothing was changed.")
        }
        let metadata = try metadata(db)
        try refuseNewer(metadata["schema_version"], files, path)
        let records = try records(db)
        try refuseUnknown(records, files, path)
        let steps = try files.map { file in
            Step(number: file.number, name: file.name, state: try state(of: file, records[file.name], db, path))
        }
        return Status(
            steps: steps, schemaVersion: metadata["schema_version"], environment: metadata["environment"],
            isEmpty: objects == 0)
    }

    private static func metadata(_ db: Database) throws -> [String: String] {
        guard try db.tableExists("schema_metadata") else { return [:] }
        let rows = try Row.fetchAll(
            db, sql: "SELECT key, CAST(value AS TEXT) FROM schema_metadata WHERE key IS NOT NULL")
        return Dictionary(rows.map { ($0[0] as String, $0[1] as String) }, uniquingKeysWith: { first, _ in first })
    }

    private struct Record {
        let checksum: String
        let executedAt: String
    }

    private static func records(_ db: Database) throws -> [String: Record] {
        guard try db.tableExists("schema_migrations") else { return [:] }
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT CAST(migration_name AS TEXT), COALESCE(CAST(checksum AS TEXT), ''), COALESCE(CAST(executed_at AS TEXT), '')
                FROM schema_migrations
                WHERE migration_name IS NOT NULL
                -- where both spellings stand, the one without an ending is ours
                ORDER BY migration_name LIKE '%.sql'
                """)
        return Dictionary(
            rows.map { row in
                var name: String = row[0]
                if name.hasSuffix(".sql") { name.removeLast(4) }
                return (name, Record(checksum: row[1], executedAt: row[2]))
            }, uniquingKeysWith: { first, _ in first })
    }

    private static func refuseNewer(_ version: String?, _ files: [MigrationFile], _ path: String) throws {
        guard let version, let found = SchemaVersion(version),
            let known = files.last.flatMap({ SchemaVersion($0.version) }),
            found > known
        else { return }
        throw StorageError(
            .newerSchema, cannot: "migrate", path,
            because: "its schema is version \(found), and this tallyd knows \(known)",
            remedy: "Install the tallyd that migrated it, or a newer one; nothing was changed.")
    }

    private static func refuseUnknown(_ records: [String: Record], _ files: [MigrationFile], _ path: String) throws {
        let highest = files.last?.number ?? 0
        let unknown = records.keys.filter { (Int($0.prefix(3)) ?? 0) > highest && $0.dropFirst(3).hasPrefix("_") }
            .sorted()
        guard let first = unknown.first else { return }
        throw StorageError(
            .newerSchema, cannot: "migrate", path,
            because: "migration \(first) was run on it, which this tallyd does not know",
            remedy: "Install the tallyd that migrated it, or a newer one; nothing was changed.")
    }

    private static func state(of file: MigrationFile, _ record: Record?, _ db: Database, _ path: String) throws
        -> Step.State
    {
        if let record, isChecksum(record.checksum) {
            guard record.checksum.lowercased() == checksum(file) else {
                throw StorageError(
                    .changedMigration, cannot: "migrate", path,
                    because:
                        "migration \(file.name) was run with another text than this tallyd holds (SHA-256 \(record.checksum.prefix(12))… there, \(checksum(file).prefix(12))… here)",
                    remedy:
                        "A landed migration is never edited: install the tallyd that ran it, or restore the file; nothing was changed."
                )
            }
            return .applied(at: record.executedAt)
        }
        // A shell ran the file, whose last statement makes this record; or it is 1.0.0's own placeholder.
        if record != nil { return .adoptable }
        // 1.0.0 may have left no trace but its tables. Of a later file, a table may be what a shell was cut short at: it runs again, and may.
        return try file.number == 1 && db.tableExists("usage_logs") ? .adoptable : .pending
    }

    /// 1.0.0 wrote words such as `placeholder` where a checksum belongs.
    private static func isChecksum(_ text: String) -> Bool {
        text.count == 64 && text.allSatisfy(\.isHexDigit) && Set(text).count > 4
    }

    static func checksum(_ file: MigrationFile) -> String {
        Hex.text(SHA256.hash(data: file.bytes))
    }

    // MARK: Running

    private func run(_ file: MigrationFile, step: Step) async throws {
        let violations = try await store.read("check the keys of") { db in try Self.violations(db) }
        let path = store.path
        try await store.writer.write("run migration \(file.name) on", firesTriggers: true) { db, _ in
            let started = MonotonicClock.nanoseconds()
            // No version: a shell broke off in the first migration, before its last statements, so it is run in whole.
            let isWhole = try Self.metadata(db)["schema_version"] != nil
            let existing =
                isWhole
                ? Set(try String.fetchAll(db, sql: "SELECT name FROM sqlite_master WHERE type = 'table'"))
                    .subtracting(["schema_metadata"]) : []
            if file.number == 1 || step.state == .pending {
                let statements = try db.allStatements(sql: file.sql)
                while let statement = try statements.next() {
                    // A gateway's own 1.0.0 may name its indexes otherwise, and may have deleted a default price on purpose: of tables
                    // that are there already, the first migration leaves everything as it is.
                    if file.number == 1, let table = Self.target(of: statement.sql), existing.contains(table) {
                        continue
                    }
                    try statement.execute()
                }
            }
            let after = try Self.violations(db)
            guard after <= violations else {
                throw StorageError(
                    .failed, cannot: "run migration \(file.name) on", path,
                    because: "it would leave \(after - violations) broken foreign keys",
                    remedy: "Nothing was changed. Report this with the output of `tallyd migrate status`.")
            }
            let elapsed = Int64((MonotonicClock.nanoseconds() - started) / 1_000_000)
            // Some 1.0.0 databases keep the file's name with its ending: it is the same step, so it stays one row.
            try db.execute(
                sql: """
                    UPDATE OR IGNORE schema_migrations
                    SET migration_name = ?1
                    WHERE migration_name = ?1 || '.sql'
                    """,
                arguments: [file.name])
            try db.execute(
                sql: """
                    INSERT INTO schema_migrations (migration_name, checksum, execution_time_ms)
                    VALUES (?1, ?2, ?3)
                    ON CONFLICT (migration_name) DO UPDATE SET checksum = ?2, execution_time_ms = ?3
                    """,
                arguments: [file.name, Self.checksum(file), elapsed])
        }
    }

    private static func violations(_ db: Database) throws -> Int {
        try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM pragma_foreign_key_check") ?? 0
    }

    /// The table that an index, a trigger or a default row belongs to; nil for every other statement.
    static func target(of sql: String) -> String? {
        // Leading comments belong to the statement's text.
        let lines = sql.split(separator: "\n").filter { !$0.drop { $0 == " " }.hasPrefix("--") }
        let words = lines.joined(separator: " ").split { " \t(;".contains($0) }.map(String.init)
        guard let verb = words.first?.uppercased() else { return nil }
        func word(after keyword: String) -> String? {
            words.firstIndex { $0.uppercased() == keyword }.flatMap {
                words.indices.contains($0 + 1) ? words[$0 + 1] : nil
            }
        }
        switch verb {
        case "CREATE" where words.prefix(3).contains { ["INDEX", "TRIGGER"].contains($0.uppercased()) }:
            return word(after: "ON")
        case "INSERT": return word(after: "INTO")
        default: return nil
        }
    }

    private func setUp(_ environment: DeploymentEnvironment) async throws {
        try await store.writer.write("set up", firesTriggers: true) { db, _ in
            try db.execute(
                sql: """
                    INSERT INTO schema_metadata (key, value, created_at)
                    -- older than the version's row: the documented query takes the newest row for the version
                    SELECT 'environment', ?1, datetime(created_at, '-1 second')
                    FROM schema_metadata
                    WHERE key = 'schema_version'
                    ON CONFLICT (key) DO UPDATE SET value = ?1
                    """,
                arguments: [environment.rawValue])
            switch environment {
            case .development: try db.execute(sql: SetupFile.developmentSeed)
            case .production: try db.execute(sql: SetupFile.productionSetup)
            case .staging: break
            }
        }
    }
}
