import GRDB

/// What a rewrite must leave as it is: the facts that are compared between the original and its copy.
struct DatabaseContent: Sendable, Equatable {
    /// Tables, indexes, views and triggers, with their words.
    private(set) var schema: [String] = []
    /// Rows, by table.
    private(set) var rows: [String: Int64] = [:]
    /// The ids that AUTOINCREMENT has given out, by table: the cursor of the rollup rests on them.
    private(set) var sequences: [String: Int64] = [:]
    /// The sums of daily_usage_stats, by column; money is in nano-dollars.
    private(set) var totals: [String: Int128] = [:]
    /// Rows whose parent is missing, by table and parent; or why SQLite can't tell.
    private(set) var orphans: [String: Int64] = [:]
    /// user_version, application_id, page_size and encoding.
    private(set) var header: [String: String] = [:]

    var rowCount: Int64 { rows.values.reduce(0, +) }

    /// Reads every index or table once.
    static func read(_ db: Database) throws -> DatabaseContent {
        var content = DatabaseContent()
        content.schema = try Row.fetchAll(
            db, sql: "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema ORDER BY type, name"
        ).map { row in (0..<4).map { row[$0] as String }.joined(separator: " ") }
        // A virtual table has no page of its own; the tables that it stands on are counted.
        let tables = try String.fetchAll(
            db, sql: "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0")
        for table in tables {
            content.rows[table] = try Int64.fetchOne(db, sql: "SELECT COUNT(*) FROM \(quoted(table))")
        }
        if tables.contains("sqlite_sequence") {
            for row in try Row.fetchAll(db, sql: "SELECT coalesce(name, ''), coalesce(seq, 0) FROM sqlite_sequence") {
                content.sequences[row[0]] = row[1]
            }
        }
        if tables.contains("daily_usage_stats") { content.totals = try totals(db) }
        content.orphans = try orphans(db)
        for name in ["user_version", "application_id", "page_size", "encoding"] {
            content.header[name] = try String.fetchOne(db, sql: "PRAGMA \(name)")
        }
        return content
    }

    /// A name as SQL takes it. GRDB's own quoting leaves the quotes within as they are.
    private static func quoted(_ name: String) -> String { "\"\(name.replacing("\"", with: "\"\""))\"" }

    /// In two halves, of which neither overflows below 2^31 rows: SUM fails where a total passes 2^63.
    private static func totals(_ db: Database) throws -> [String: Int128] {
        let columns = try String.fetchAll(
            db, sql: "SELECT name FROM pragma_table_info('daily_usage_stats') WHERE type = 'INTEGER'")
        guard !columns.isEmpty else { return [:] }
        let halves = columns.map(quoted).map {
            "coalesce(SUM(\($0) >> 32), 0), coalesce(SUM(\($0) & 4294967295), 0)"
        }
        guard
            let row = try Row.fetchOne(
                db, sql: "SELECT \(halves.joined(separator: ", ")) FROM daily_usage_stats")
        else { return [:] }
        var totals: [String: Int128] = [:]
        for (index, column) in columns.enumerated() {
            totals[column] = Int128(row[2 * index] as Int64) << 32 + Int128(row[2 * index + 1] as Int64)
        }
        return totals
    }

    private static func orphans(_ db: Database) throws -> [String: Int64] {
        do {
            return try Row.fetchAll(
                db, sql: "SELECT \"table\", parent, COUNT(*) FROM pragma_foreign_key_check GROUP BY 1, 2"
            ).reduce(into: [:]) { $0["\($1[0] as String) without \($1[1] as String)"] = $1[2] }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_ERROR {
            // A key that fits no parent's key can't be checked; it must be the same one in the copy.
            return [error.message ?? "foreign keys can't be checked": 0]
        }
    }

    /// The first thing that is not as it was; nil when all is.
    func difference(from original: DatabaseContent) -> String? {
        if schema != original.schema {
            let changed = Set(schema).symmetricDifference(original.schema).sorted().first ?? "its order"
            return "the schema differs at \(changed.prefix(80))"
        }
        return Self.difference("rows of", rows, original.rows)
            ?? Self.difference("last id of", sequences, original.sequences)
            ?? Self.difference("daily_usage_stats: sum of", totals, original.totals)
            ?? Self.difference("orphans:", orphans, original.orphans)
            ?? Self.difference("PRAGMA", header, original.header)
    }

    private static func difference<Value: Equatable>(
        _ what: String, _ copy: [String: Value], _ original: [String: Value]
    ) -> String? {
        let names = Set(copy.keys).union(original.keys).sorted()
        guard let name = names.first(where: { copy[$0] != original[$0] }) else { return nil }
        func text(_ value: Value?) -> String { value.map { "\($0)" } ?? "nothing" }
        return "\(what) \(name) were \(text(original[name])) and are \(text(copy[name])) in the copy"
    }
}
