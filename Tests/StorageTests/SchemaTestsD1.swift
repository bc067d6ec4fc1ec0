import GRDB
import GRDBSQLite
import Testing

/// What Cloudflare's D1 does not take: statements of its own list, and more than its limits.
@Suite struct `Schema tests of D1` {
    @Test(arguments: SQLScript.all) func `no file holds a statement that D1 refuses`(name: String) throws {
        let script = try SQLScript(name)
        let refused: Set = [
            "BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE", "ATTACH", "DETACH", "PRAGMA", "VACUUM",
            "ANALYZE",
        ]
        for statement in script.statements {
            let tokens = SQLTokens(statement).tokens
            let first = try #require(tokens.first)
            #expect(!refused.contains(first), "\(name): \(statement)")
            #expect(!tokens.contains { $0.hasPrefix("PRAGMA") }, "\(name): \(statement)")
            #expect(!tokens.contains("TEMP") && !tokens.contains("TEMPORARY"), "\(name): \(statement)")
        }
        #expect(!script.text.split(separator: "\n").contains { $0.hasPrefix(".") }, "a dot-command in \(name)")
    }

    @Test func `every file runs within D1's limits`() throws {
        for names in [["schema.sql"], SQLScript.numbered] {
            let queue = try DatabaseQueue()
            try queue.writeWithoutTransaction { db in
                // D1's documented limits (columns, statement length, function arguments, LIKE and GLOB patterns), and what it answers with
                // "too many terms in compound SELECT" beyond.
                for (limit, value) in [
                    (SQLITE_LIMIT_COLUMN, 100), (SQLITE_LIMIT_SQL_LENGTH, 100_000), (SQLITE_LIMIT_FUNCTION_ARG, 32),
                    (SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50), (SQLITE_LIMIT_COMPOUND_SELECT, 5),
                    (SQLITE_LIMIT_ATTACHED, 0),
                ] as [(Int32, Int32)] {
                    sqlite3_limit(db.sqliteConnection, limit, value)
                }
                for name in names + SQLScript.setup {
                    for statement in try SQLScript(name).statements { try db.execute(sql: statement) }
                }
                for view in ["user_usage_summary", "model_usage_stats", "daily_usage_trends"] {
                    #expect(try Row.fetchAll(db, sql: "SELECT * FROM \(view)").count > 0)
                }
            }
        }
    }
}
