import GRDB
import GRDBSQLite

/// A value as SQLite stores it: its storage class and what it holds (sqlite.org/datatype3.html, section 2).
///
/// A text is bytes, since SQLite lets one hold what is no UTF-8.
package enum ArchiveValue: Equatable, Sendable {
    case null
    case integer(Int64)
    case real(Double)
    case text([UInt8])
    case blob([UInt8])

    /// Equal when SQLite would store the same: -0.0 is not 0.0, and 1 is not 1.0.
    package static func == (left: ArchiveValue, right: ArchiveValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.integer(let left), .integer(let right)): left == right
        case (.real(let left), .real(let right)): left.bitPattern == right.bitPattern
        case (.text(let left), .text(let right)), (.blob(let left), .blob(let right)): left == right
        default: false
        }
    }
}

extension ArchiveLine {
    /// Binds a value with its storage class. SQLite takes a copy.
    ///
    /// The column's affinity still applies when it is stored: into the columns that the values came from they go back as they were.
    ///
    /// - Throws: `DatabaseError`, such as SQLITE_TOOBIG or SQLITE_RANGE.
    package static func bind(_ value: ArchiveValue, to statement: OpaquePointer, at index: Int32) throws {
        // SQLITE_TRANSIENT of sqlite3.h, a cast that Swift does not import.
        let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        let code =
            switch value {
            case .null:
                sqlite3_bind_null(statement, index)
            case .integer(let number):
                sqlite3_bind_int64(statement, index, number)
            case .real(let number):
                sqlite3_bind_double(statement, index, number)
            case .text(let bytes) where bytes.isEmpty:
                // Without an address the empty text would become NULL, and so would the empty blob.
                sqlite3_bind_text(statement, index, "", 0, transient)
            case .text(let bytes):
                bytes.withUnsafeBytes {
                    sqlite3_bind_text64(
                        statement, index, $0.baseAddress?.assumingMemoryBound(to: CChar.self), UInt64($0.count),
                        transient, UInt8(SQLITE_UTF8))
                }
            case .blob(let bytes) where bytes.isEmpty:
                sqlite3_bind_zeroblob(statement, index, 0)
            case .blob(let bytes):
                bytes.withUnsafeBytes {
                    sqlite3_bind_blob64(statement, index, $0.baseAddress, UInt64($0.count), transient)
                }
            }
        guard code == SQLITE_OK else {
            throw DatabaseError(
                resultCode: ResultCode(rawValue: code),
                message: sqlite3_errmsg(sqlite3_db_handle(statement)).map { String(cString: $0) })
        }
    }
}
