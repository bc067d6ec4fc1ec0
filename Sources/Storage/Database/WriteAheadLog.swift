import GRDB
import GRDBSQLite

/// Counts what a connection writes to the write-ahead log, and hears from SQLite how long the log has become.
///
/// Touched on the writing connection's queue alone, where SQLite calls back as well: hence unchecked.
final class WriteAheadLog: @unchecked Sendable {
    private var pagesAfterCommit: Int?

    /// To be called once. The connection must not outlive this value: both belong to the same writer.
    func observe(_ db: Database) {
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
        return (Int(pages), pagesAfterCommit)
    }
}
