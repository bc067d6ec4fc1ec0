import Foundation
import GRDB
import Migrations

/// The triggers on usage_logs that log what happens to counted rows. They go with the table: a gateway's migration that copies it, drops it and gives the
/// copy its name, as SQLite's own page on ALTER TABLE has it, leaves none.
enum ChangeLogTriggers {
    private static let names = ["usage_logs_log_update", "usage_logs_log_delete"]

    static func areThere(_ db: Database) throws -> Bool {
        let found = try Int.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT COUNT(*)
                    FROM sqlite_schema
                    WHERE type = 'trigger' AND lower(tbl_name) = 'usage_logs' AND name IN (?, ?)
                    """),
            arguments: [names[0], names[1]])
        return found == names.count
    }

    /// Makes those that are missing, as the migrations do.
    static func restore(_ db: Database) throws {
        for statement in statements { try db.execute(sql: statement) }
    }

    /// From the newest migration that has each; none of them has `END;` at a line's beginning but at its end.
    private static let statements: [String] = names.compactMap { name in
        let texts = MigrationFile.all.reversed().lazy.compactMap { file -> String? in
            let sql = file.sql
            guard let start = sql.range(of: "CREATE TRIGGER IF NOT EXISTS \(name)\n"),
                let end = sql.range(of: "\nEND;", range: start.upperBound..<sql.endIndex)
            else { return nil }
            return String(sql[start.lowerBound..<end.upperBound])
        }
        return texts.first
    }
}
