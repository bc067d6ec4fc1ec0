import GRDB

/// Which columns are emptied in the rows that stay: the contract's that could tell who it was, and those that an operator added, since nobody knows
/// what is in them.
struct ErasureColumns: Sendable {
    /// By table, quoted for SQL.
    private(set) var emptied: [String: [String]] = ErasureRule.emptied
    /// Columns of an operator's that can't be emptied.
    private(set) var obstacles: [StorageError] = []

    /// - Parameter leaving: as `table.column`.
    static func read(_ db: Database, leaving: Set<String>) throws -> ErasureColumns {
        var result = ErasureColumns()
        for (table, known) in ErasureRule.knownColumns.sorted(by: { $0.key < $1.key }) {
            // hidden is not 0 for generated columns, which follow from the others.
            let columns = try Row.fetchAll(
                db, sql: "SELECT name, \"notnull\" FROM pragma_table_xinfo(?) WHERE hidden = 0", arguments: [table])
            for column in columns {
                let name: String = column[0]
                guard !known.contains(name.lowercased()), !leaving.contains("\(table).\(name)") else { continue }
                if column[1] as Bool {
                    result.obstacles.append(
                        StorageError(
                            .failed, cannot: "erase from", "\(table).\(name)",
                            because: "the column is not the contract's, and may not be NULL",
                            remedy:
                                "See what is in it; if it tells nothing of a person, leave it with --keep-column \(table).\(name)."
                        ))
                } else {
                    result.emptied[table, default: []].append(ArchiveSource.list([name]))
                }
            }
        }
        return result
    }
}
