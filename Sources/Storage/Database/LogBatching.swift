import GRDB
import GRDBSQLite

/// Has a commit written to the log in few large pieces.
///
/// SQLite makes two writes for each page of a commit: 24 bytes of the frame's header, then the page. With a thousand pages that was a quarter of
/// a tick's time, all of it under the lock; in pieces of 31 frames it takes half of that (measured). So the log's file is one of this VFS's, a
/// shim over the system's own (sqlite.org/vfs.html), which while a commit is under way keeps the frames that follow upon each other, and writes
/// them together.
///
/// What it keeps to, so that a log is never otherwise than SQLite would have written it:
/// - Frames are kept only within `committing`, hence under the write lock, and only until the commit's last frame: all are in the file
///   when SQLite is told that this one is written. Only afterwards it publishes them in the log's index. What a transaction spills before
///   its commit goes straight through.
/// - Every other operation on the file, and every write that is no frame behind the last one, first writes what is kept, so that the order
///   of writes stays. A failure is told as that operation's.
/// - A commit that fails leaves nothing behind that could be written once the lock is somebody else's.
enum LogBatching {
    /// To be called once in a process, before its first connection, and after SQLite is configured: this initialises it. False where the system's VFS
    /// can't be had; then commits are written as ever.
    static func install() -> Bool {
        // Registered for good, so it is never freed.
        guard let base = sqlite3_vfs_find(nil) else { return false }
        return sqlite3_vfs_register(shim(over: base), 1) == SQLITE_OK
    }

    /// Runs a COMMIT of this connection's.
    static func committing<T>(_ db: Database, _ commit: () throws -> T) rethrows -> T {
        guard let log = log(of: db) else { return try commit() }
        log.pointee.frames.begin()
        defer { log.pointee.frames.end() }
        return try commit()
    }

    /// Whether commits of this connection's are written so. Known once it has read or written.
    static func applies(to db: Database) -> Bool { log(of: db) != nil }

    /// Nil for a database that has no log, or was opened by another VFS.
    private static func log(of db: Database) -> UnsafeMutablePointer<BatchedLog>? {
        var file: UnsafeMutablePointer<sqlite3_file>?
        // Hands out the log's file where there is a log (sqlite.org/c3ref/c_fcntl_begin_atomic_write.html, SQLITE_FCNTL_JOURNAL_POINTER).
        guard sqlite3_file_control(db.sqliteConnection, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file) == SQLITE_OK,
            let file, file.pointee.pMethods == UnsafePointer(BatchedLog.methods)
        else { return nil }
        return BatchedLog.at(file)
    }

    private static let name: StaticString = "tallyd"

    private static func shim(over base: UnsafeMutablePointer<sqlite3_vfs>) -> UnsafeMutablePointer<sqlite3_vfs> {
        let vfs = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        vfs.initialize(to: base.pointee)
        vfs.pointee.pNext = nil
        // A StaticString's bytes live as long as the program, and end in a zero.
        vfs.pointee.zName = UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
        vfs.pointee.szOsFile = base.pointee.szOsFile + Int32(MemoryLayout<BatchedLog>.stride)
        // The system's VFS looks into this when it opens a file, and is handed itself for that.
        vfs.pointee.pAppData = UnsafeMutableRawPointer(base)
        vfs.pointee.xOpen = { vfs, name, file, flags, opened in
            guard let base = vfs?.pointee.pAppData?.assumingMemoryBound(to: sqlite3_vfs.self), let file else {
                return SQLITE_CANTOPEN
            }
            // Any other file is the base's own from here on.
            guard flags & SQLITE_OPEN_WAL != 0 else { return base.pointee.xOpen(base, name, file, flags, opened) }
            return BatchedLog.open(file) { below in base.pointee.xOpen(base, name, below, flags, opened) }
        }
        return vfs
    }
}

/// A log's file: the system's, with the frames that are kept for it. Lies where SQLite has made room for its file, and the system's behind it.
private struct BatchedLog {
    /// The first, as SQLite asks of every file: it looks for the methods here.
    var file = sqlite3_file()
    let below: UnsafeMutablePointer<sqlite3_file>
    var frames = KeptFrames()

    @inline(__always)
    static func at(_ file: UnsafeMutablePointer<sqlite3_file>?) -> UnsafeMutablePointer<BatchedLog> {
        // SQLite calls a method with the file that it found it in, which is never nil.
        UnsafeMutableRawPointer(file.unsafelyUnwrapped).assumingMemoryBound(to: BatchedLog.self)
    }

    static func open(
        _ file: UnsafeMutablePointer<sqlite3_file>, _ openBelow: (UnsafeMutablePointer<sqlite3_file>) -> Int32
    ) -> Int32 {
        let place = UnsafeMutableRawPointer(file)
        let below = (place + MemoryLayout<BatchedLog>.stride).bindMemory(to: sqlite3_file.self, capacity: 1)
        below.initialize(to: sqlite3_file())
        let log = place.bindMemory(to: BatchedLog.self, capacity: 1)
        log.initialize(to: BatchedLog(below: below))
        let code = openBelow(below)
        guard code == SQLITE_OK else {
            // A file with methods is to be closed even if it could not be opened; one without is not.
            _ = below.pointee.pMethods?.pointee.xClose(below)
            return code
        }
        log.pointee.file.pMethods = UnsafePointer(methods)
        return SQLITE_OK
    }

    /// Writes what is kept, then does something with the file below.
    @inline(__always)
    private static func settled(
        _ file: UnsafeMutablePointer<sqlite3_file>?,
        _ body: (UnsafePointer<sqlite3_io_methods>, UnsafeMutablePointer<sqlite3_file>) -> Int32
    ) -> Int32 {
        let log = at(file)
        let below = log.pointee.below
        let code = log.pointee.frames.settle(below)
        // An open file has methods: see `open`.
        return code == SQLITE_OK ? body(below.pointee.pMethods.unsafelyUnwrapped, below) : code
    }

    /// Of the first version of the interface: the later ones are for files with shared memory, or mapped, which a log never is. Written once, hence safe to
    /// share.
    nonisolated(unsafe) static let methods: UnsafeMutablePointer<sqlite3_io_methods> = {
        let methods = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
        methods.initialize(to: sqlite3_io_methods())
        methods.pointee.iVersion = 1
        methods.pointee.xClose = { file in
            let log = BatchedLog.at(file)
            let written = log.pointee.frames.settle(log.pointee.below)
            log.pointee.frames.free()
            let closed = log.pointee.below.pointee.pMethods.unsafelyUnwrapped.pointee.xClose(log.pointee.below)
            return written == SQLITE_OK ? closed : written
        }
        methods.pointee.xWrite = { file, bytes, count, offset in
            let log = BatchedLog.at(file)
            // There is always something to write.
            return log.pointee.frames.write(bytes.unsafelyUnwrapped, Int(count), at: offset, to: log.pointee.below)
        }
        methods.pointee.xRead = { file, bytes, count, offset in
            BatchedLog.settled(file) { $0.pointee.xRead($1, bytes, count, offset) }
        }
        methods.pointee.xTruncate = { file, size in BatchedLog.settled(file) { $0.pointee.xTruncate($1, size) } }
        methods.pointee.xSync = { file, flags in BatchedLog.settled(file) { $0.pointee.xSync($1, flags) } }
        methods.pointee.xFileSize = { file, size in BatchedLog.settled(file) { $0.pointee.xFileSize($1, size) } }
        methods.pointee.xLock = { file, level in BatchedLog.settled(file) { $0.pointee.xLock($1, level) } }
        methods.pointee.xUnlock = { file, level in BatchedLog.settled(file) { $0.pointee.xUnlock($1, level) } }
        methods.pointee.xCheckReservedLock = { file, isReserved in
            BatchedLog.settled(file) { $0.pointee.xCheckReservedLock($1, isReserved) }
        }
        methods.pointee.xFileControl = { file, operation, argument in
            BatchedLog.settled(file) { $0.pointee.xFileControl($1, operation, argument) }
        }
        methods.pointee.xSectorSize = { file in
            let below = BatchedLog.at(file).pointee.below
            return below.pointee.pMethods.unsafelyUnwrapped.pointee.xSectorSize(below)
        }
        methods.pointee.xDeviceCharacteristics = { file in
            let below = BatchedLog.at(file).pointee.below
            return below.pointee.pMethods.unsafelyUnwrapped.pointee.xDeviceCharacteristics(below)
        }
        return methods
    }()
}
