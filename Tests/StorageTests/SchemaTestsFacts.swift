import GRDB

/// A database's structure and its default rows as sentences, so that two databases are compared by what they are, not by how their
/// files were worded, and a difference can be read.
enum SchemaFacts {
    static func all(_ path: String) throws -> Set<String> {
        try structure(path).union(rows(path))
    }

    static func structure(_ path: String) throws -> Set<String> {
        try reading(path) { db in
            var facts: Set<String> = []
            let tables = try Row.fetchAll(
                db,
                sql:
                    "SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite_%'"
            )
            for table in tables {
                let name: String = table["name"]
                facts.insert(
                    "\(table["type"] as String) \(name): rowid \(table["wr"] as Int), strict \(table["strict"] as Int)")
                facts.formUnion(try columns(of: name, db))
                facts.formUnion(try keys(of: name, db))
                facts.formUnion(try indexes(of: name, db))
            }
            facts.formUnion(try texts(db))
            return facts
        }
    }

    private static func columns(of table: String, _ db: Database) throws -> [String] {
        try Row.fetchAll(db, sql: "SELECT * FROM pragma_table_xinfo(?)", arguments: [table]).map {
            "column of \(table): \(words($0))"
        }
    }

    private static func keys(of table: String, _ db: Database) throws -> [String] {
        try Row.fetchAll(db, sql: "SELECT * FROM pragma_foreign_key_list(?)", arguments: [table])
            .map { "foreign key of \(table): \(words($0))" }
    }

    private static func indexes(of table: String, _ db: Database) throws -> [String] {
        try Row.fetchAll(
            db, sql: "SELECT name, \"unique\", origin, partial FROM pragma_index_list(?)", arguments: [table]
        ).map { index in
            let name: String = index["name"]
            let parts = try Row.fetchAll(
                db, sql: "SELECT name, desc, coll, key FROM pragma_index_xinfo(?)", arguments: [name]
            )
            .map(words)
            // SQLite numbers the indexes of keys by where they stand in the text.
            let shown = name.hasPrefix("sqlite_autoindex") ? "a key's" : name
            return "index \(shown) of \(table): unique \(index["unique"] as Int), origin \(index["origin"] as String), "
                + "partial \(index["partial"] as Int): \(parts)"
        }
    }

    /// What no pragma tells: checks, AUTOINCREMENT, triggers, views, the condition of a partial index.
    private static func texts(_ db: Database) throws -> [String] {
        let rows = try Row.fetchAll(
            db, sql: "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'")
        return rows.flatMap { row -> [String] in
            let tokens = SQLTokens(row["sql"])
            let name: String = row["name"]
            guard row["type"] == "table" else { return ["\(row["type"] as String) \(name): \(tokens.text)"] }
            return tokens.checks.map { "check of \(name): \($0)" }
                + (tokens.tokens.contains("AUTOINCREMENT") ? ["\(name) never uses an id again"] : [])
        }
    }

    /// Every row of every table, without the columns that hold the time or the way it was entered.
    static func rows(_ path: String) throws -> Set<String> {
        try reading(path) { db in
            let tables = try String.fetchAll(
                db, sql: "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
            let passing: Set = ["created_at", "updated_at", "executed_at", "execution_time_ms", "checksum"]
            var facts: Set<String> = []
            for table in tables {
                let columns = try db.columns(in: table).map(\.name).filter {
                    !passing.contains($0) && !(table == "schema_migrations" && $0 == "id")
                }
                for row in try contents(of: table, columns, db) { facts.insert("row of \(table): \(row)") }
            }
            return facts
        }
    }

    /// The rows of a table as SQL literals, which tell 1 from 1.0 and '1', in an order that does not hang on rowids.
    static func contents(of table: String, _ columns: [String], _ db: Database) throws -> [String] {
        let list = columns.map { "quote(\"\($0)\")" }.joined(separator: " || ', ' || ")
        return try String.fetchAll(db, sql: "SELECT \(list) FROM \"\(table)\"").sorted()
    }

    private static func words(_ row: Row) -> String {
        row.map { "\($0) \($1.storage.value.map { "\($0)" } ?? "NULL")" }.joined(separator: ", ")
    }
}
