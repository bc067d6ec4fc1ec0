import GRDB
import GRDBSQLite

/// A prepared statement stepped by SQLite's own functions, for the two loops that see every usage row and every total.
///
/// GRDB prepares and caches it; reading ten columns of five million rows through its value types would take three times as long as SQLite
/// itself does (measured). Texts are bound without being copied: what is bound must live until `step` or `run` returns.
struct RawStatement {
    let handle: OpaquePointer

    init(_ db: Database, _ sql: String) throws {
        handle = try db.cachedStatement(sql: sql).sqliteStatement
        sqlite3_reset(handle)
        sqlite3_clear_bindings(handle)
    }

    @inline(__always)
    func bind(_ value: Int64, at index: Int32) {
        sqlite3_bind_int64(handle, index, value)
    }

    @inline(__always)
    func bind(_ bytes: UnsafeBufferPointer<UInt8>, at index: Int32) {
        // A nil pointer would bind NULL: the empty text has an address of its own.
        let address = bytes.baseAddress.map { UnsafeRawPointer($0) } ?? UnsafeRawPointer(Self.empty)
        sqlite3_bind_text(
            handle, index, address.assumingMemoryBound(to: CChar.self), Int32(bytes.count), nil)
    }

    /// One byte that lives as long as the program. Never written after this line, hence safe to share.
    nonisolated(unsafe) private static let empty: UnsafeMutablePointer<UInt8> = {
        let byte = UnsafeMutablePointer<UInt8>.allocate(capacity: 1)
        byte.initialize(to: 0)
        return byte
    }()

    /// True when there is a row to read.
    @inline(__always)
    func step() throws -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code: throw error(code)
        }
    }

    /// Runs a statement that returns no rows, and readies it for the next.
    @inline(__always)
    func run() throws {
        let code = sqlite3_step(handle)
        guard code == SQLITE_DONE else { throw error(code) }
        sqlite3_reset(handle)
    }

    func reset() {
        sqlite3_reset(handle)
    }

    private func error(_ code: Int32) -> DatabaseError {
        let connection = sqlite3_db_handle(handle)
        let message = sqlite3_errmsg(connection).map { String(cString: $0) }
        let sql = sqlite3_sql(handle).map { String(cString: $0) }
        let error = DatabaseError(
            resultCode: ResultCode(rawValue: sqlite3_extended_errcode(connection)), message: message, sql: sql)
        sqlite3_reset(handle)
        return error
    }
}
