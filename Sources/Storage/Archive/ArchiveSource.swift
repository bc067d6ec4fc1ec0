import GRDB

/// The rows that one kind of archive holds: of which table, and under which name they stand in the folder and on record.
struct ArchiveSource: Sendable, Equatable {
    /// The folder's name, and `table_name` in archives.
    let name: String
    /// The table that the lines are rows of.
    let table: String

    static let usageLogs = ArchiveSource(name: "usage_logs", table: "usage_logs")
    static let messages = ArchiveSource(name: "messages", table: "messages")

    /// The archive of a table's own rows. Of what was set aside it holds the usage rows.
    static func main(of table: RetentionTable) -> ArchiveSource {
        ArchiveSource(name: table.rawValue, table: table == .rejects ? "usage_logs" : table.rawValue)
    }

    /// By the name on record; nil for one that this version does not know.
    static func named(_ name: String) -> ArchiveSource? {
        name == messages.name ? messages : RetentionTable(rawValue: name).map(main)
    }

    /// Whether its rows count in the daily totals, or may.
    var isUsage: Bool { table == Self.usageLogs.table }

    /// A table as the file has it now: a column that an operator added is kept, too.
    struct Shape: Sendable, Equatable {
        /// In their order.
        let columns: [String]
        /// Of `columns`, those of the primary key; all of them where there is none.
        let key: [Int]
        /// Of `columns`, the one that is SQLite's rowid under another name; nil where rowid has no name.
        let id: Int?

        /// For a statement's text.
        var list: String { ArchiveSource.list(columns) }
    }

    func shape(_ db: Database) throws -> Shape {
        let rows = try Row.fetchAll(
            db, sql: "SELECT name, pk, upper(type) = 'INTEGER' FROM pragma_table_info('\(table)') ORDER BY cid")
        let columns = rows.map { $0[0] as String }
        let key = rows.indices.filter { rows[$0][1] as Int > 0 }
        // sqlite.org/lang_createtable.html#rowid: a key of one column whose type is INTEGER, in any case of letters.
        let isRowID = key.count == 1 && (rows[key[0]][2] as Bool? ?? false)
        return Shape(
            columns: columns, key: key.isEmpty ? Array(columns.indices) : key, id: isRowID ? key[0] : nil)
    }

    static func list(_ columns: [String]) -> String { columns.map(quoted).joined(separator: ", ") }

    static func quoted(_ column: String) -> String { "\"\(column.replacing("\"", with: "\"\""))\"" }
}

extension RetentionTable {
    /// The names that this table's archives stand under on record, in the order in which their rows can come back: a message needs its conversation.
    package var archiveNames: [String] {
        self == .conversations ? [rawValue, ArchiveSource.messages.name] : [rawValue]
    }
}
