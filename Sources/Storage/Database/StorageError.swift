import GRDB

/// What failed, on what, why, and what to do next.
package struct StorageError: Error, Equatable, CustomStringConvertible {
    /// What a caller may want to tell apart; the sentence is for people.
    package enum Kind: String, Sendable {
        case missing, replaced, notADatabase, notAUsageDatabase, readOnly, locked, full, corrupt
        case newerSchema, changedMigration, pendingMigration, wrongEnvironment
        case zoneChanged, rawIncomplete, sumOverflow, leaseLost, ownedByAnother, failed
        case archiveFailed, archiveDamaged
        case held, totalsDiffer
    }

    package let kind: Kind
    package let operation: String
    package let subject: String
    package let cause: String
    package let remedy: String

    package init(_ kind: Kind, cannot operation: String, _ subject: String, because cause: String, remedy: String) {
        self.kind = kind
        self.operation = operation
        self.subject = subject
        self.cause = cause
        self.remedy = remedy
    }

    package var description: String {
        "cannot \(operation) \(subject): \(cause). \(remedy)"
    }

    /// Puts SQLite's answer into words. Anything that is not SQLite's passes through as it is.
    package static func wrapping(_ error: any Error, cannot operation: String, _ path: String) -> any Error {
        guard let error = error as? DatabaseError else { return error }
        let said = "SQLite says \"\(error.message ?? "nothing")\" (code \(error.extendedResultCode.rawValue))"
        func make(_ kind: Kind, _ cause: String, _ remedy: String) -> StorageError {
            StorageError(kind, cannot: operation, path, because: cause, remedy: remedy)
        }
        return switch error.resultCode {
        case .SQLITE_NOTADB:
            make(
                .notADatabase, "it is not an SQLite database (\(said))",
                "Name the gateway's database file in TALLYD_DATABASE or --database.")
        case .SQLITE_CORRUPT:
            make(
                .corrupt, "its file is damaged or cut short (\(said))",
                "Stop the gateway, run `sqlite3 \(path) 'PRAGMA integrity_check'`, and restore a backup or use `.recover`."
            )
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            make(
                .locked, "another program holds its lock (\(said))",
                "Find it with `fuser \(path)`; tallyd goes on by itself when the lock is gone.")
        case .SQLITE_FULL:
            make(
                .full, "the volume is full (\(said))",
                "Free space there; nothing was half written and tallyd goes on by itself.")
        case .SQLITE_READONLY, .SQLITE_PERM:
            make(
                .readOnly, "it or its folder may not be written (\(said))",
                "Give tallyd's user write access to the file, its -wal and -shm, and their folder (chmod g+w, setgid).")
        case .SQLITE_CANTOPEN:
            make(.missing, "it cannot be opened (\(said))", "Check the path and who may read the folder.")
        case .SQLITE_IOERR:
            make(
                .failed, "the volume failed a read or write (\(said))",
                "Look at the kernel's log (`journalctl -k`) for the disk.")
        case .SQLITE_CONSTRAINT where (error.message ?? "").contains("daily_usage_stats_integers"):
            make(
                .sumOverflow, "one day's sum for one user and model passes 2^63 (\(said))",
                "Find the absurd rows with `tallyd rollup rejects` and correct or delete them.")
        default:
            make(.failed, said, "If it stays, run `tallyd rollup verify` and report it with this line.")
        }
    }
}
