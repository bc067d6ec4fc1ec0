import GRDB

/// How much of the database's file is in use, as one snapshot says it. Sizes are in pages; what still lies in the write-ahead log is included.
package struct FileSpace: Sendable, Equatable {
    /// Whether the file can give pages back piece by piece: decided when a database is made, or by a rewrite (`tallyd compact --auto-vacuum`).
    package enum AutoVacuum: Int, Sendable, CaseIterable {
        case none = 0
        case full = 1
        case incremental = 2

        package var word: String { "\(self)" }
    }

    /// Bytes of a page.
    package let pageSize: Int64
    package let pages: Int64
    /// Pages on the freelist: they lie within the file, and the next rows are written there.
    package let freePages: Int64
    package let autoVacuum: AutoVacuum

    package var bytes: Int64 { pages * pageSize }
    package var freeBytes: Int64 { freePages * pageSize }
    package var usedBytes: Int64 { bytes - freeBytes }

    static func read(_ db: Database) throws -> FileSpace {
        func number(_ pragma: String) throws -> Int64 {
            try Int64.fetchOne(db.cachedStatement(sql: "PRAGMA \(pragma)")) ?? 0
        }
        return FileSpace(
            pageSize: try number("page_size"), pages: try number("page_count"), freePages: try number("freelist_count"),
            autoVacuum: AutoVacuum(rawValue: Int(try number("auto_vacuum"))) ?? AutoVacuum.none)
    }
}
