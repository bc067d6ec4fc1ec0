import Foundation
import GRDB
package import Scheduling

/// Rewrites a database without its free pages, while nobody else has it open: `tallyd compact`.
///
/// 1. Hold the file, so that nobody reads or writes it until the end (`HeldDatabase`), and see that the volume has room for a copy.
/// 2. VACUUM INTO `<database>.compacting`, bring it to the disk, and open it anew.
/// 3. Compare: the copy is sound, and has the schema, the rows of every table, the ids given out, the totals and the header of the original
///    (`DatabaseContent`).
/// 4. Note it in the copy's audit log, set WAL mode, close it, and bring it to the disk again.
/// 5. Rename it over the original and bring the folder to the disk. From here on the new file is the database.
/// 6. Overwrite the old file's header, so that whoever opened it during all this and waits for its lock gets an error.
///
/// Cut anywhere (kill -9, power), either the old file stands under the name, whole, or the new one. Before step 5 every failure leaves the original as
/// it was, in WAL mode, and removes the copy; a copy that a crash left is replaced by the next one. Only a process killed between 5 and 6, which are
/// an fsync apart, lets a connection that was opened before and never read go on with the old file.
package struct Compaction: Sendable {
    let path: String
    let autoVacuum: FileSpace.AutoVacuum?
    let files: ArchiveFiles
    let room: @Sendable (_ folder: String) -> Int64?

    /// - Parameters:
    ///   - path: a symbolic link is followed: the file that it leads to is replaced.
    ///   - autoVacuum: what the file is to be made for; nil to leave that as it is.
    ///   - room: free bytes of a folder's volume, for this user; nil where nobody can tell.
    /// - Throws: `StorageError` for what is no file, or may not be read and written.
    package init(
        path: String, autoVacuum: FileSpace.AutoVacuum? = nil, files: ArchiveFiles = .system,
        room: @escaping @Sendable (_ folder: String) -> Int64? = Volume.freeBytes
    ) throws {
        try Store.examine(path, creating: false)
        self.path = try Self.realPath(of: path)
        self.autoVacuum = autoVacuum
        self.files = files
        self.room = room
    }

    /// It was asked to stop, and left everything as it was.
    package struct Stopped: Error {}

    package struct Outcome: Sendable, Equatable {
        /// The file that was replaced, links followed.
        package let path: String
        package let before: FileSpace
        package let after: FileSpace
        package let tables: Int
        package let rows: Int64
    }

    package enum Phase: String, Sendable {
        case copying, checking, replacing
    }

    /// - Parameters:
    ///   - now: for the audit log.
    ///   - shouldStop: asked ten times a second, on another thread.
    ///   - progress: called as often, on another thread, with the share that is done where anybody knows.
    /// - Throws: `StorageError`, of kind `locked` when it is not alone with the file, `full` when there is no room, `corrupt` when the copy is not
    ///   what the original is; `Stopped`.
    package func run(
        now: Instant, shouldStop: @escaping @Sendable () -> Bool = { false },
        progress: @escaping @Sendable (Phase, Double?) -> Void = { _, _ in }
    ) throws -> Outcome {
        let held = try HeldDatabase(path)
        let copy: CompactingFile
        let outcome: Outcome
        do {
            let space = try held.queue.writeWithoutTransaction { db in try FileSpace.read(db) }
            try checkRoom(for: space)
            copy = try CompactingFile(for: path, like: held.identity, files: files)
            do {
                outcome = try make(copy, of: held, space, now, shouldStop, progress)
                progress(.replacing, nil)
                if shouldStop() { throw Stopped() }
                try copy.takePlace()
            } catch {
                copy.abandon()
                throw error
            }
        } catch {
            held.release()
            if shouldStop(), Self.isInterrupt(error) { throw Stopped() }
            throw StorageError.wrapping(error, cannot: "compact", path)
        }
        do {
            try copy.syncFolder()
        } catch {
            // Either file may be the database after a power cut, so both must stay whole.
            held.letGo()
            throw error
        }
        held.retire()
        return outcome
    }

    private func make(
        _ copy: CompactingFile, of held: HeldDatabase, _ space: FileSpace, _ now: Instant,
        _ shouldStop: @escaping @Sendable () -> Bool, _ progress: @escaping @Sendable (Phase, Double?) -> Void
    ) throws -> Outcome {
        let watch = CompactionWatch(shouldStop: shouldStop)
        let wanted = autoVacuum ?? space.autoVacuum
        let (path, expected) = (copy.path, Double(max(space.usedBytes, 1)))
        let tellCopying: @Sendable () -> Void = {
            progress(.copying, min(1, Double(FileIdentity(path: path)?.bytes ?? 0) / expected))
        }
        let tellChecking: @Sendable () -> Void = { progress(.checking, nil) }
        try watch.interruptibly(held.queue, tell: tellCopying) { db in
            // What the copy is made for is decided here, but between "full" and "incremental" by a mark that SQLite would set in the original.
            if (wanted == .none) != (space.autoVacuum == .none) {
                try db.execute(sql: "PRAGMA auto_vacuum = \(wanted.word)")
            }
            try db.execute(sql: "VACUUM INTO ?", arguments: [path])
        }
        try copy.sync()
        let original = try watch.interruptibly(held.queue, tell: tellChecking) { db in try DatabaseContent.read(db) }
        let after = try finish(copy, original, space, wanted, now, watch, tellChecking)
        try copy.sync()
        return Outcome(
            path: self.path, before: space, after: after, tables: original.rows.count, rows: original.rowCount)
    }

    /// Steps 3 and 4: with a connection of the copy's own, closed again.
    private func finish(
        _ copy: CompactingFile, _ original: DatabaseContent, _ before: FileSpace, _ wanted: FileSpace.AutoVacuum,
        _ now: Instant, _ watch: CompactionWatch, _ tell: @escaping @Sendable () -> Void
    ) throws -> FileSpace {
        var configuration = Configuration()
        configuration.label = "tallyd.compacting"
        configuration.foreignKeysEnabled = false
        let queue = try DatabaseQueue(path: copy.path, configuration: configuration)
        let after: FileSpace
        do {
            after = try watch.interruptibly(queue, tell: tell) { db in
                try check(db, original)
                if wanted != .none { try db.execute(sql: "PRAGMA auto_vacuum = \(wanted.word)") }
                let space = try FileSpace.read(db)
                guard space.autoVacuum == wanted else {
                    throw damaged("auto_vacuum is \(space.autoVacuum.word) in the copy")
                }
                try note(before, space, now, db)
                guard try String.fetchOne(db, sql: "PRAGMA journal_mode = WAL") == "wal" else {
                    throw damaged("the copy can't be set to WAL mode")
                }
                return try FileSpace.read(db)
            }
        } catch {
            try? queue.close()
            throw error
        }
        // The last connection copies the log back and removes it.
        try queue.close()
        guard FileIdentity(path: copy.path + "-wal") == nil else { throw damaged("the copy's log stays beside it") }
        return after
    }

    private func check(_ db: Database, _ original: DatabaseContent) throws {
        let complaints = try String.fetchAll(db, sql: "PRAGMA integrity_check(10)")
        guard complaints == ["ok"] else {
            throw damaged("integrity_check of the copy says \(complaints.prefix(3).joined(separator: "; "))")
        }
        if let difference = try DatabaseContent.read(db).difference(from: original) { throw damaged(difference) }
    }

    private func note(_ before: FileSpace, _ after: FileSpace, _ now: Instant, _ db: Database) throws {
        guard try db.tableExists("audit_logs") else { return }
        try AuditTrail.note(
            "database.compacted", on: "database", id: nil,
            facts: ["bytes_before": "\(before.bytes)", "bytes_after": "\(after.bytes)"], now: now, db)
    }

    private func damaged(_ cause: String) -> StorageError {
        StorageError(
            .corrupt, cannot: "compact", path, because: cause,
            remedy: "The original stays as it was; look at it with `sqlite3 \(path) 'PRAGMA integrity_check'`.")
    }

    private static func isInterrupt(_ error: any Error) -> Bool {
        if error is Stopped { return true }
        guard let error = error as? DatabaseError else { return false }
        // A statement that VACUUM runs within itself passes on its words alone, under SQLITE_ERROR (seen with 3.40).
        return error.resultCode == .SQLITE_INTERRUPT || error.message == "interrupted"
    }
}
