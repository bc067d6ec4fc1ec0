import GRDB
import GRDBSQLite
import Synchronization

/// Fails SQLite's virtual machine after a set number of its operations, in whatever statement it then is.
final class Fuse: Sendable {
    private let left = Mutex(-1)

    /// Negative: it does not burn.
    func light(_ operations: Int) { left.withLock { $0 = operations } }

    func burn() -> Bool {
        left.withLock {
            guard $0 >= 0 else { return false }
            $0 -= 1
            return $0 < 0
        }
    }

    /// The fuse must outlive the connection.
    func watch(_ db: Database) {
        let context = Unmanaged.passUnretained(self).toOpaque()
        sqlite3_progress_handler(
            db.sqliteConnection, 1,
            { Unmanaged<Fuse>.fromOpaque($0.unsafelyUnwrapped).takeUnretainedValue().burn() ? 1 : 0 }, context)
    }
}
