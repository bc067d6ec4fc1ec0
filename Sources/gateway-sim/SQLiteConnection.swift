import GRDBSQLite

/// One connection to the database file, in WAL, closed when the last reference goes.
///
/// Not for more than one thread: it is neither `Sendable` nor locked.
final class SQLiteConnection {
    /// The file's path as it was given, for messages.
    let path: String

    /// SQLite's handle. Valid as long as this object.
    let handle: OpaquePointer

    /// Opens an existing database file for writing. Never creates one.
    ///
    /// `synchronous` is NORMAL and `wal_autocheckpoint` stays at SQLite's default, as with the gateways that this stands for.
    /// Until `wait(forLocksUpTo:)` says otherwise, a statement waits five seconds for a lock.
    init(path: String) throws {
        var opened: OpaquePointer?
        let code = sqlite3_open_v2(path, &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nil)
        guard code == SQLITE_OK, let opened else {
            let cause = opened.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
            sqlite3_close_v2(opened)
            throw GatewayError(
                "cannot open \(path): \(cause). Name an existing database file, "
                    + "or make one with `tallyd migrate --database \(path)`."
            )
        }
        self.path = path
        self.handle = opened
        sqlite3_extended_result_codes(opened, 1)
        wait(forLocksUpTo: 5_000)
        try execute("PRAGMA journal_mode = WAL")
        try execute("PRAGMA synchronous = NORMAL")
    }

    deinit {
        // Statements may still hold the handle at this point; v2 closes it when the last of them is finalized.
        sqlite3_close_v2(handle)
    }

    /// How long a statement waits for a lock before it gives SQLITE_BUSY, in milliseconds; 0 does not wait at all.
    func wait(forLocksUpTo milliseconds: Int32) {
        sqlite3_busy_timeout(handle, milliseconds)
    }

    /// Runs statements whose rows nobody wants.
    func execute(_ sql: String) throws {
        guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else {
            throw failure("run", sql)
        }
    }

    /// The rowid of this connection's last INSERT.
    var lastInsertedID: Int64 {
        sqlite3_last_insert_rowid(handle)
    }

    /// The connection's last failure as an error that names the file, the action and SQLite's own reason.
    func failure(_ action: String, _ what: String) -> GatewayError {
        let code = sqlite3_extended_errcode(handle)
        var next = ""
        switch code & 0xFF {
        case SQLITE_NOTADB: next = " Name a SQLite database, or make one with `tallyd migrate`."
        case SQLITE_BUSY: next = " Another program holds the write lock; try again when it is done."
        case SQLITE_READONLY: next = " Make the file and its folder writable for this user."
        case SQLITE_CONSTRAINT: next = " The same rows may be there already; another --seed gives other rows."
        case SQLITE_FULL: next = " Free some disk space."
        default: break
        }
        return GatewayError(
            "cannot \(action) `\(what)` on \(path): \(String(cString: sqlite3_errmsg(handle))) (SQLite \(code)).\(next)"
        )
    }

    /// Refuses a database without the tables that a gateway writes.
    func requireGatewayTables() throws {
        let present = try SQLiteStatement(
            self,
            "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('usage_logs', 'model_pricing')"
        )
        guard try present.step(), present.integer(at: 0) == 2 else {
            throw GatewayError(
                "\(path) holds no gateway tables (usage_logs, model_pricing). "
                    + "Make them first: `tallyd migrate --database \(path)`."
            )
        }
    }
}
