import Foundation
import GRDB

/// A database that nobody else has open, and that nobody else can read or write for as long as this value holds it.
///
/// Three proofs, since none is one alone. /proc names whoever has the file open, as far as this user may look (`FileUsers`). In WAL mode each
/// connection that has read once holds a shared lock for as long as it is open, and SQLite leaves WAL mode only when there is no such lock
/// (sqlite.org/wal.html, section 6). And in exclusive locking mode the lock that this takes stays until the end, so that a connection that is opened
/// meanwhile gets SQLITE_BUSY with its first statement.
///
/// A file is never opened and closed by its name while this holds it: that would take the process's locks away (fcntl(2)).
final class HeldDatabase {
    let path: String
    let identity: FileIdentity
    let queue: DatabaseQueue
    /// Opened before SQLite's and closed after it, for the same reason.
    private let descriptor: Int32

    /// Who has a database's files open, but for those descriptors of this process.
    typealias Users = (_ database: String, _ leavingOut: (Int32) -> Bool) -> FileUsers

    /// - Parameter users: given by tests, which leave SQLite's own proof alone.
    /// - Throws: `StorageError` of kind `locked`, naming who has it open as far as that is known.
    init(_ path: String, users: Users = { FileUsers.of($0, leavingOut: $1) }) throws {
        self.path = path
        descriptor = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw StorageError.wrapping(ArchiveFiles.Failure(code: errno), cannot: "open", archive: path)
        }
        let held = descriptor
        var opened: DatabaseQueue?
        do {
            identity = try Self.examine(held, path)
            try Self.refuse(users(path) { $0 == held }, path)
            var configuration = Configuration()
            configuration.label = "tallyd.compact"
            configuration.busyMode = .timeout(1)
            configuration.foreignKeysEnabled = false
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            opened = queue
            self.queue = queue
            try queue.writeWithoutTransaction { db in try Self.takeAlone(db, path) }
        } catch {
            try? opened?.close()
            close(held)
            throw Self.inWords(error, path)
        }
        do {
            // Whoever opened it between the first look and the lock.
            try Self.refuse(users(path) { _ in true }, path)
        } catch {
            release()
            throw error
        }
    }

    private static func examine(_ descriptor: Int32, _ path: String) throws -> FileIdentity {
        func refuse(_ cause: String, _ remedy: String) -> StorageError {
            StorageError(.notADatabase, cannot: "compact", path, because: cause, remedy: remedy)
        }
        guard let identity = FileIdentity(descriptor: descriptor), identity.isRegular else {
            throw refuse("it is no regular file", "Name the database file.")
        }
        guard identity.names == 1 else {
            throw refuse(
                "it has \(identity.names) names (hard links), and the others would keep the old file",
                "Remove the other names first: `find -samefile` names them.")
        }
        return identity
    }

    private static func refuse(_ users: FileUsers, _ path: String) throws {
        guard !users.users.isEmpty else { return }
        let names = users.users.prefix(5).map(\.description).joined(separator: ", ")
        let more = users.users.count > 5 ? " and \(users.users.count - 5) more" : ""
        throw StorageError(
            .locked, cannot: "compact", path, because: "\(names)\(more) has it open",
            remedy: "Stop the gateway, tallyd and whatever else uses it, and try again.")
    }

    /// Leaves WAL mode, where it is in it, and takes the lock that stays.
    private static func takeAlone(_ db: Database, _ path: String) throws {
        for table in Store.requiredTables where try !db.tableExists(table) {
            throw StorageError(
                .notAUsageDatabase, cannot: "compact", path,
                because: "it has no table \(table), so it is no gateway's usage database",
                remedy: "Name the gateway's database file in TALLYD_DATABASE or --database.")
        }
        try db.execute(sql: "PRAGMA locking_mode = EXCLUSIVE")
        guard try String.fetchOne(db, sql: "PRAGMA journal_mode = DELETE") == "delete" else {
            throw DatabaseError(resultCode: .SQLITE_BUSY, message: "it stays in WAL mode")
        }
        // In exclusive mode what a transaction locked stays locked.
        try db.execute(sql: "BEGIN EXCLUSIVE; COMMIT")
    }

    private static func inWords(_ error: any Error, _ path: String) -> any Error {
        guard let busy = error as? DatabaseError, busy.resultCode == .SQLITE_BUSY else {
            return StorageError.wrapping(error, cannot: "compact", path)
        }
        return StorageError(
            .locked, cannot: "compact", path,
            because: "another connection has it open (SQLite says \"\(busy.message ?? "nothing")\")",
            remedy: "Stop the gateway, tallyd and whatever else uses it (`fuser \(path)` names them), and try again.")
    }

    /// Gives it back, in WAL mode, as every opening by tallyd does: a rewrite that was killed left it out of it. Should that fail, the next opening
    /// tries again.
    func release() {
        try? queue.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA journal_mode = WAL") }
        letGo()
    }

    /// Ends what has lost its name to another file: whoever opened it and has not read yet is to learn that, and not to write into a file that nobody
    /// sees any more. With the first page's header gone SQLite answers "file is not a database".
    ///
    /// To be called when the other file's name is on the disk: before, a power cut could bring this one back.
    func retire() {
        let text = "This database was replaced by tallyd compact; open it anew by its name."
        let header = Array((text + String(repeating: " ", count: 100 - text.utf8.count)).utf8)
        _ = header.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        letGo()
    }

    /// Closes it as it is.
    func letGo() {
        try? queue.close()
        close(descriptor)
    }
}
