import Foundation
import GRDB

/// Copies back and removes the write-ahead log, whose old pages still hold what was erased, where nobody else has the file open.
///
/// It asks for no checkpoint: SQLite makes one when the last connection to a file is closed, and finds out itself, by its locks, whether it is the
/// last (sqlite.org/wal.html, "Avoiding Excessively Large WAL Files"). So nothing races a gateway's own checkpoints.
package enum LastConnection {
    /// - Returns: whether the log is gone. Else somebody has the file open.
    package static func close(_ path: String) -> Bool {
        do {
            var configuration = Configuration()
            configuration.busyMode = .timeout(1)
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            // The log is only looked for when something is read.
            _ = try queue.inDatabase { db in try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM sqlite_master") }
            try queue.close()
        } catch {
            return false
        }
        return !FileManager.default.fileExists(atPath: path + "-wal")
    }
}
