import GRDB
import GRDBSQLite
import Storage
import Synchronization

/// Interrupts the n-th statement that a store's connections begin, counted from 1, and no other.
final class StatementFault: Sendable {
    private let number: Int
    private let count = Mutex(0)

    init(_ number: Int) {
        self.number = number
    }

    /// Whether there were so many.
    var hasStruck: Bool { count.withLock { $0 >= number } }

    private func begins() -> Bool {
        count.withLock {
            $0 += 1
            return $0 == number
        }
    }

    /// For `SampleDatabase.store(prepare:)`. This value has to outlive the store.
    func watch(_ db: Database) {
        sqlite3_trace_v2(
            db.sqliteConnection, UInt32(SQLITE_TRACE_STMT),
            { _, context, statement, _ in
                guard let context, let statement else { return 0 }
                if Unmanaged<StatementFault>.fromOpaque(context).takeUnretainedValue().begins() {
                    sqlite3_interrupt(sqlite3_db_handle(OpaquePointer(statement)))
                }
                return 0
            }, Unmanaged.passUnretained(self).toOpaque())
    }
}
