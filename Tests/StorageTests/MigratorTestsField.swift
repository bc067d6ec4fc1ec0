import GRDB
import TestSupport

/// A 1.0.0 database as it is met in the field: without our history table, its own rows in every table.
enum FieldDatabase {
    /// Makes one and closes it.
    ///
    /// - Parameter edit: SQL that makes it the special case that a test is about.
    static func make(in scratch: ScratchFolder, _ name: String = "usage.db", edit: String = "") throws -> String {
        let text = try SQLScript(SQLScript.numbered[0]).text
        return try scratch.make(named: name, text, "DROP TABLE schema_migrations", GatewayRows.insert, edit)
    }

    /// All rows of the 14 tables, by 1.0.0's columns, without the two facts that a migration is there to change.
    static func contents(_ path: String) throws -> [String: [String]] {
        try reading(path) { db in
            var contents: [String: [String]] = [:]
            for table in ContractTables.columns.keys {
                contents[table] = try SchemaFacts.contents(of: table, ContractTables.names(table), db)
                    .filter { !$0.hasPrefix("'schema_version'") && !$0.hasPrefix("'last_migration'") }
            }
            return contents
        }
    }

    static func checksums(_ path: String) throws -> [String: String] {
        try reading(path) { db in
            let rows = try Row.fetchAll(
                db, sql: "SELECT migration_name, COALESCE(checksum, 'NULL') FROM schema_migrations")
            return Dictionary(rows.map { ($0[0], $0[1]) }, uniquingKeysWith: { first, _ in first })
        }
    }
}
