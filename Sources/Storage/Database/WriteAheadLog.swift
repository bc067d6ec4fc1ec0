import GRDB
import GRDBSQLite

/// Counts what a connection writes to the write-ahead log, and hears from SQLite how long the log has become.
///
/// Touched on the writing connection's queue alone, where SQLite calls back as well: hence unchecked.
final class WriteAheadLog: @unchecked Sendable {
    private var pagesAfterCommit: Int?
    private var frameBytes: Int64 = 0
    /// What the log holds as of the connection's last commit, in bytes; 0 before the first one. The file is at least as long: SQLite begins a log
    /// anew at the file's start and leaves its length.
    private(set) var bytes: Int64 = 0

    /// A page and its frame's header (sqlite.org/fileformat2.html, section 4.1).
    private static let frameHeaderBytes: Int64 = 24

    /// To be called once. The connection must not outlive this value: both belong to the same writer.
    func observe(_ db: Database) {
        frameBytes = Self.frameHeaderBytes + ((try? Int64.fetchOne(db, sql: "PRAGMA page_size")) ?? 4_096)
        sqlite3_wal_hook(
            db.sqliteConnection,
            { context, _, _, pages in
                guard let context else { return SQLITE_OK }
                Unmanaged<WriteAheadLog>.fromOpaque(context).takeUnretainedValue().pagesAfterCommit = Int(pages)
                return SQLITE_OK
            }, Unmanaged.passUnretained(self).toOpaque())
        _ = written(db)
    }

    /// Pages that the connection has written since the last call, and pages in the log after its last commit; nil when it committed none.
    ///
    /// SQLITE_DBSTATUS_CACHE_WRITE counts "the number of pages written into the wal file" (sqlite.org/c3ref/c_dbstatus_options.html).
    func written(_ db: Database) -> (pages: Int, logPages: Int?) {
        var pages: Int32 = 0
        var highest: Int32 = 0
        sqlite3_db_status(db.sqliteConnection, SQLITE_DBSTATUS_CACHE_WRITE, &pages, &highest, 1)
        defer { pagesAfterCommit = nil }
        if let pagesAfterCommit { bytes = Int64(pagesAfterCommit) * frameBytes }
        return (Int(pages), pagesAfterCommit)
    }
}
