import GRDBSQLite

/// One prepared statement, to be bound and run many times. Parameters count from 1, columns from 0, as in SQLite.
final class SQLiteStatement {
    private let connection: SQLiteConnection
    private let sql: String
    private let handle: OpaquePointer

    /// SQLite copies the text during the call. The C macro is a cast that Swift does not import.
    private static let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    init(_ connection: SQLiteConnection, _ sql: String) throws {
        var prepared: OpaquePointer?
        let code = sqlite3_prepare_v3(
            connection.handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
        guard code == SQLITE_OK, let prepared else {
            throw connection.failure("prepare", sql)
        }
        self.connection = connection
        self.sql = sql
        self.handle = prepared
    }

    deinit {
        sqlite3_finalize(handle)
    }

    // A failed bind means a wrong parameter number or no memory. Either leaves NULL there, which the table's NOT NULL columns
    // refuse, so the codes below need no check of their own.

    func bind(_ value: Int64?, at index: Int32) {
        if let value {
            sqlite3_bind_int64(handle, index, value)
        } else {
            sqlite3_bind_null(handle, index)
        }
    }

    func bind(_ value: Double?, at index: Int32) {
        if let value {
            sqlite3_bind_double(handle, index, value)
        } else {
            sqlite3_bind_null(handle, index)
        }
    }

    func bind(_ value: String?, at index: Int32) {
        if let value {
            sqlite3_bind_text(handle, index, value, Int32(value.utf8.count), Self.copied)
        } else {
            sqlite3_bind_null(handle, index)
        }
    }

    func bind(_ value: StoredTime, at index: Int32) {
        switch value {
        case .text(let text): bind(text, at: index)
        case .unixSeconds(let seconds): bind(seconds, at: index)
        case .missing: sqlite3_bind_null(handle, index)
        }
    }

    /// Steps to the next row; false when there is none left.
    func step() throws -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default: throw connection.failure("run", sql)
        }
    }

    /// The integer in a column of the present row.
    func integer(at column: Int32) -> Int64 {
        sqlite3_column_int64(handle, column)
    }

    /// What became of a write.
    enum Outcome {
        case done
        /// Another connection held the lock for longer than the busy timeout; nothing was written.
        case busy
    }

    /// Runs a write to its end and makes the statement ready for the next one. Anything but success and SQLITE_BUSY throws.
    func run() throws -> Outcome {
        let code = sqlite3_step(handle)
        defer { sqlite3_reset(handle) }
        switch code & 0xFF {
        case SQLITE_DONE, SQLITE_ROW: return .done
        case SQLITE_BUSY: return .busy
        default: throw connection.failure("run", sql)
        }
    }
}
