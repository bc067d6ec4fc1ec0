import GRDB
import Migrations
import Storage
import TestSupport
import Testing

/// The contract with the gateway, on a database as it was released, one that was migrated, and a new one.
@Suite struct ContractTests {
    private let scratch: ScratchFolder

    init() throws { scratch = try ScratchFolder() }

    private static let documented = [
        "SELECT * FROM user_usage_summary WHERE date >= date('now', '-7 days')",
        """
        SELECT model, SUM(cost) AS total_cost FROM usage_logs WHERE created_at >= datetime('now', '-1 day') GROUP BY model
        """,
        """
        SELECT user_id, COUNT(*) AS requests FROM rate_limits WHERE window_start >= datetime('now', '-1 hour') GROUP BY user_id
        """,
        "SELECT * FROM schema_metadata ORDER BY created_at DESC LIMIT 1",
        "SELECT * FROM audit_logs WHERE action LIKE '%error%' ORDER BY created_at DESC",
    ]

    @Test(arguments: ContractDatabase.allCases)
    func `every documented query answers with rows`(database: ContractDatabase) async throws {
        let path = try await database.make(in: scratch)
        try reading(path) { db throws in
            for query in Self.documented {
                #expect(try Row.fetchAll(db, sql: query).count > 0, "\(query)")
            }
        }
        let shell = try await SQLiteShell.run(Self.documented.map { $0 + ";" }.joined(separator: "\n"), on: path)
        #expect(shell.status == 0 && shell.errors == "", "\(shell.errors)")
        #expect(shell.output.contains("schema_version|\(database.version)|"))
        #expect(shell.output.contains("request.error"))
    }

    @Test(arguments: ContractDatabase.allCases)
    func `the version query answers the version, also beside an environment`(database: ContractDatabase) async throws {
        for environment in [nil, "staging", "production"] {
            let own = try ScratchFolder()
            let path = try await database.make(in: own)
            if let environment {
                try await migrate(path, environment: .init(rawValue: environment))
                try await migrate(path, environment: .init(rawValue: environment))
            }
            let row = try reading(own.path()) { db in try Row.fetchOne(db, sql: Self.documented[3]) }
            #expect(row?["key"] == "schema_version")
            #expect(row?["value"] == (environment == nil ? database.version : MigrationFile.all.last?.version))
        }
    }

    @Test(arguments: ContractDatabase.allCases)
    func `tables keep the contract's columns, their order, defaults and keys`(database: ContractDatabase) async throws {
        let path = try await database.make(in: scratch)
        try reading(path) { db throws in
            for (table, list) in ContractTables.columns {
                let found = try Row.fetchAll(db, sql: "SELECT * FROM pragma_table_xinfo(?)", arguments: [table])
                for (column, wanted) in zip(found, list.split(separator: " ")) {
                    let name: String = column["name"]
                    let halves = wanted.split(separator: "=", maxSplits: 1)
                    #expect(name == halves[0].prefix { $0 != "*" }, "\(table)")
                    #expect(column["notnull"] == wanted.contains("*"), "\(table).\(name)")
                    guard halves.count == 2 else { continue }
                    // As SQLite judges them: 0 is 0.0, TRUE is 1.
                    let standing: String = column["dflt_value"] ?? "NULL"
                    #expect(
                        try Bool.fetchOne(db, sql: "SELECT (\(standing)) IS (\(halves[1]))") == true,
                        "\(table).\(name) has the default \(standing)")
                }
                #expect(found.count >= ContractTables.names(table).count, "\(table)")
                for column in found.dropFirst(ContractTables.names(table).count) {
                    #expect(
                        column["dflt_value"] != nil as String?,
                        "the gateway does not know \(table).\(column["name"] as String)")
                }
            }
        }
    }

    @Test(arguments: ContractDatabase.allCases)
    func `tables keep the contract's keys`(database: ContractDatabase) async throws {
        let path = try await database.make(in: scratch)
        try reading(path) { db throws in
            for (table, keys) in ContractTables.keys {
                let found = try String.fetchAll(
                    db,
                    sql: """
                        SELECT (SELECT group_concat(name) FROM (SELECT name FROM pragma_index_info(list.name) ORDER BY seqno))
                        FROM pragma_index_list(?) AS list
                        WHERE list."unique"
                        """, arguments: [table])
                #expect(Set(found).isSuperset(of: keys), "\(table) has the keys \(found)")
            }
        }
    }

    @Test(arguments: ContractDatabase.allCases)
    func `the gateway's own statements work, each twice`(database: ContractDatabase) async throws {
        let path = try await database.make(in: scratch)
        try scratch.make(GatewayRows.daily.flatMap { [$0, $0] }.joined(separator: ";\n"))
        try reading(path) { db throws in
            let day = try Row.fetchOne(db, sql: "SELECT * FROM daily_usage_stats WHERE user_id = 'dan'")
            #expect(day?["id"] == (try String.fetchOne(db, sql: "SELECT 'dan-gpt-4o-' || DATE('now')")))
            #expect(day?["success_rate"] == 0.0)
            #expect(day?["total_cost"] == 0.02)
        }
    }

    @Test(arguments: ContractDatabase.allCases)
    func `what 1.0.0 refuses is refused, and a conversation takes its messages along`(database: ContractDatabase)
        async throws
    {
        let path = try await database.make(in: scratch)
        for refused in [
            "INSERT INTO rate_limits (id, user_id, window_type) VALUES ('x', 'u', 'week')",
            "INSERT INTO messages (id, conversation_id, user_id, role, content) VALUES ('x', 'c1', 'u', 'robot', '')",
            "INSERT INTO messages (id, conversation_id, user_id, role, content) VALUES ('x', 'none', 'u', 'user', '')",
            "UPDATE feature_flags SET rollout_percentage = 101",
            "INSERT INTO usage_logs (user_id, request_id, model) VALUES ('u', 'r1', 'm')",
        ] {
            #expect(throws: DatabaseError.self, "\(refused)") {
                try writing(path) { db in try db.execute(sql: refused) }
            }
        }
        try writing(path) { db in try db.execute(sql: "DELETE FROM conversations") }
        #expect(try value("SELECT COUNT(*) FROM messages", in: path) == 0)
    }

    @Test(arguments: ContractDatabase.allCases)
    func `an update moves updated_at in every table that has one`(database: ContractDatabase) async throws {
        let path = try await database.make(in: scratch)
        let old = "2020-01-01 00:00:00"
        for table in ContractTables.columns.keys where ContractTables.names(table).contains("updated_at") {
            let column = ContractTables.names(table)[1]
            try writing(path) { db throws in
                try db.execute(sql: "UPDATE \(table) SET updated_at = ?", arguments: [old])
                #expect(
                    try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM \(table) WHERE updated_at <> ?", arguments: [old])
                        == 0)
                try db.execute(sql: "UPDATE \(table) SET \(column) = \(column)")
                let left = try Int.fetchOne(
                    db, sql: "SELECT COUNT(*) FROM \(table) WHERE updated_at = ?", arguments: [old])
                #expect(left == 0, "\(table)")
            }
        }
    }

    @Test(arguments: ContractDatabase.allCases)
    func `the views have the contract's columns`(database: ContractDatabase) async throws {
        let path = try await database.make(in: scratch)
        let figures: Set = ["total_requests", "total_tokens", "total_cost", "avg_latency"]
        let views: [String: Set<String>] = [
            "user_usage_summary": figures.union(["user_id", "date", "success_rate"]),
            "model_usage_stats": figures.union(["model", "success_rate"]),
            "daily_usage_trends": figures.union(["date", "unique_users", "unique_models"]),
        ]
        try reading(path) { db throws in
            for (view, columns) in views {
                #expect(Set(try db.columns(in: view).map(\.name)).isSuperset(of: columns), "\(view)")
                let nulls = columns.map { "\"\($0)\" IS NULL" }.joined(separator: " OR ")
                #expect(try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM \(view) WHERE total_requests > 0") ?? 0 > 0)
                #expect(
                    try Int.fetchOne(
                        db,
                        sql:
                            "SELECT COUNT(*) FROM \(view) WHERE (\(nulls))\(view == "model_usage_stats" ? "" : " AND date IS NOT NULL")"
                    ) == 0, "\(view)")
            }
        }
    }
}
