import Foundation
import GRDB
import Migrations
import Storage
import TestSupport
import Testing

/// What 1.0.0 and shells left behind is taken over with nothing lost.
@Suite struct `Migrator tests of adoption` {
    private let scratch: ScratchFolder
    private let names = MigrationFile.all.map(\.name)

    init() throws { scratch = try ScratchFolder() }

    /// Migrates, and claims what holds for every adopted database.
    private func adopt(_ path: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let before = try FieldDatabase.contents(path)
        #expect(before.count == 14 && before.values.allSatisfy { !$0.isEmpty }, sourceLocation: sourceLocation)
        #expect(try await migrate(path) == names, sourceLocation: sourceLocation)
        for (table, rows) in try FieldDatabase.contents(path) {
            #expect(rows == before[table], "\(table)", sourceLocation: sourceLocation)
        }
        let checksums = try FieldDatabase.checksums(path)
        #expect(Set(checksums.keys) == Set(names), sourceLocation: sourceLocation)
        #expect(checksums.values.allSatisfy { $0.count == 64 }, sourceLocation: sourceLocation)
        let status = try await Migrator(store: try Store(path: path)).status()
        #expect(
            status.isCurrent && status.schemaVersion == MigrationFile.all.last?.version, sourceLocation: sourceLocation)
        let healthy = try reading(path) { db in
            try String.fetchAll(db, sql: "PRAGMA integrity_check")
                + String.fetchAll(db, sql: "SELECT * FROM pragma_foreign_key_check")
        }
        #expect(healthy == ["ok"], sourceLocation: sourceLocation)
        try scratch.make(named: URL(filePath: path).lastPathComponent, GatewayRows.daily.joined(separator: ";\n"))
    }

    @Test func `a database without a history keeps every row of its 14 tables`() async throws {
        let path = try FieldDatabase.make(in: scratch)
        let status = try await Migrator(store: try Store(path: path)).status()
        #expect(
            status.steps.map(\.state) == [
                .adoptable, .pending, .pending, .pending, .pending, .pending, .pending, .pending,
            ])
        #expect(status.schemaVersion == "1.0.0")
        try await adopt(path)
    }

    @Test(arguments: ["placeholder", "sha256:TODO", String(repeating: "0", count: 64), "", nil] as [String?])
    func `a history with a placeholder gets the checksums`(placeholder: String?) async throws {
        for name in ["001_initial_schema", "001_initial_schema.sql"] {
            let checksum = placeholder.map { "'\($0)'" } ?? "NULL"
            let path = try FieldDatabase.make(
                in: scratch, "\(name).db",
                edit: """
                    CREATE TABLE schema_migrations (
                      id INTEGER PRIMARY KEY AUTOINCREMENT, migration_name TEXT UNIQUE NOT NULL,
                      executed_at DATETIME DEFAULT CURRENT_TIMESTAMP, checksum TEXT, execution_time_ms INTEGER
                    );
                    INSERT INTO schema_migrations (migration_name, executed_at, checksum)
                    VALUES ('\(name)', '2025-05-05 05:05:05', \(checksum))
                    """)
            try await adopt(path)
            let when = try reading(path) { db in
                try String.fetchOne(
                    db, sql: "SELECT executed_at FROM schema_migrations WHERE migration_name = '001_initial_schema'")
            }
            #expect(when == "2025-05-05 05:05:05", "when it ran stays on record")
            #expect(try await migrate(path) == [], "nothing is left to do")
        }
    }

    @Test func `the recorded checksum is the file's SHA-256`() async throws {
        let path = try FieldDatabase.make(in: scratch)
        try await migrate(path)
        for (name, checksum) in try FieldDatabase.checksums(path) {
            let said = try await ToolRun.run("sha256sum", [], input: try SQLScript.bytes("migrations/\(name).sql"))
                .output
            #expect(said.hasPrefix(checksum), "\(name)")
        }
    }

    @Test func `indexes of other names stay, and no second ones join them`() async throws {
        let text = try SQLScript(SQLScript.numbered[0]).text.replacingOccurrences(
            of: "IF NOT EXISTS idx_", with: "IF NOT EXISTS by_")
        let path = try scratch.make(text, "DROP TABLE schema_migrations", GatewayRows.insert)
        let listing =
            "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name NOT IN ('daily_usage_stats', 'webhook_deliveries')"
        let before = try reading(path) { db in Set(try String.fetchAll(db, sql: listing)) }
        #expect(before.count > 20)
        try await adopt(path)
        #expect(try reading(path) { db in Set(try String.fetchAll(db, sql: listing)) } == before)
    }

    @Test func `default prices and flags that were deleted stay deleted`() async throws {
        let all = try FieldDatabase.make(
            in: scratch, "all.db", edit: "DELETE FROM model_pricing; DELETE FROM feature_flags")
        try await migrate(all)
        let one = try FieldDatabase.make(
            in: scratch, "one.db", edit: "DELETE FROM model_pricing WHERE model = 'o1-mini'")
        try await migrate(one)
        let count = "SELECT COUNT(*) FROM model_pricing"
        #expect(try value(count, in: all) == 0)
        #expect(try value("SELECT COUNT(*) FROM feature_flags", in: all) == 0)
        #expect(try value(count + " WHERE model = 'o1-mini'", in: one) == 0)
        #expect(try value(count, in: one) == 11)
    }

    @Test func `a database that a shell migrated gets its checksums, and stays as it is`() async throws {
        let path = try FieldDatabase.make(in: scratch)
        for name in SQLScript.numbered {
            let shell = try await SQLiteShell.run(try SQLScript(name).text, on: path)
            #expect(shell.status == 0 && shell.errors == "")
        }
        #expect(Set(try FieldDatabase.checksums(path).values) == [""])
        let facts = try SchemaFacts.all(path)
        try await adopt(path)
        #expect(try SchemaFacts.structure(path).subtracting(facts) == [])
    }

    @Test func `a history in which a shell wrote the same step under a second spelling is settled`() async throws {
        let text = try SQLScript(SQLScript.numbered[0]).text
        let path = try scratch.make(
            text, "UPDATE schema_migrations SET migration_name = '001_initial_schema.sql', checksum = 'placeholder'",
            text)
        #expect(try await migrate(path) == names)
        #expect(try await migrate(path) == [])
        let checksums = try FieldDatabase.checksums(path)
        #expect(checksums["001_initial_schema.sql"] == "placeholder", "somebody else's row is left alone")
        #expect(checksums["001_initial_schema"]?.count == 64)
    }

    @Test func `exact figures are derived from what 1.0.0 counted`() async throws {
        let path = try FieldDatabase.make(in: scratch)
        try await migrate(path)
        let row = try reading(path) { db in
            try Row.fetchOne(db, sql: "SELECT * FROM daily_usage_stats WHERE id = 'ann-gpt-4o-2026-10-01'")
        }
        #expect(row?["successes"] == 2 && row?["failures"] == 1)
        #expect(row?["cost_nanos"] == 300_000_000 && row?["latency_sum_ms"] == 100)
        #expect(row?["source"] == "adopted")
    }

    @Test func `a database may be migrated while a gateway has it open`() async throws {
        let path = try FieldDatabase.make(in: scratch)
        let gateway = try DatabaseQueue(path: path)
        let insert = "INSERT INTO usage_logs (user_id, request_id, model) VALUES ('u', hex(randomblob(8)), 'm')"
        try await gateway.write { db in try db.execute(sql: insert) }
        try await migrate(path)
        try await gateway.write { db in
            try db.execute(sql: insert)
            for statement in GatewayRows.daily { try db.execute(sql: statement) }
        }
    }
}
