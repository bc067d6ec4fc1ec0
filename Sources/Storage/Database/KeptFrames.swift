import GRDBSQLite
import Glibc

/// Frames of a log that are to be written together: the writes of a commit, one behind the other, which SQLite makes in pairs of a header and a
/// page. See `LogBatching` for what is promised.
struct KeptFrames {
    private var bytes: UnsafeMutableRawPointer?
    /// Where the first kept byte belongs in the file; and how many are kept.
    private var start: sqlite3_int64 = 0
    private var count = 0
    /// Where the next half of a frame has to begin to be the next of these.
    private var next: sqlite3_int64 = 0
    /// From the commit's beginning to its last frame.
    private var isCommitting = false
    /// Whether the last write was a frame's header, and whether it said that the frame is the commit's last.
    private var awaitsPage = false
    private var isLast = false

    /// The most that SQLite's own VFS writes at once: to more it answers SQLITE_FULL (os_unix.c, seekAndWriteFd: 17 bits).
    private static let capacity = 0x1_FFFF

    // sqlite.org/fileformat2.html, section 4.1.
    private static let headerBytes = 24
    private static let pageBytes = 512...65_536

    mutating func begin() {
        (isCommitting, awaitsPage, count) = (true, false, 0)
    }

    /// What is still kept was of a commit that failed. SQLite has not published it, and somebody else may have the lock by now.
    mutating func end() {
        (isCommitting, awaitsPage, count) = (false, false, 0)
    }

    mutating func free() {
        Glibc.free(bytes)
        bytes = nil
    }

    /// Keeps the next half of a frame; anything else is written, behind what is kept.
    @inline(__always)
    mutating func write(
        _ new: UnsafeRawPointer, _ size: Int, at offset: sqlite3_int64, to file: UnsafeMutablePointer<sqlite3_file>
    ) -> Int32 {
        guard isCommitting, isNextHalf(size, at: offset), let kept = bytes ?? allocate() else {
            let code = settle(file)
            return code == SQLITE_OK ? Self.write(new, size, at: offset, to: file) : code
        }
        if count + size > Self.capacity || (count > 0 && offset != next) {
            let code = writeKept(to: file)
            guard code == SQLITE_OK else { return code }
        }
        if count == 0 { start = offset }
        (kept + count).copyMemory(from: new, byteCount: size)
        count += size
        next = offset + sqlite3_int64(size)
        awaitsPage.toggle()
        guard !awaitsPage else {
            // "For commit records, the size of the database file in pages after the commit. For all other records, zero."
            isLast = new.loadUnaligned(fromByteOffset: 4, as: UInt32.self) != 0
            return SQLITE_OK
        }
        guard isLast else { return SQLITE_OK }
        isCommitting = false
        return settle(file)
    }

    @inline(__always)
    private func isNextHalf(_ size: Int, at offset: sqlite3_int64) -> Bool {
        awaitsPage ? offset == next && Self.pageBytes ~= size : size == Self.headerBytes
    }

    private mutating func allocate() -> UnsafeMutableRawPointer? {
        bytes = malloc(Self.capacity)
        return bytes
    }

    /// Writes what is kept; what comes next does not continue it.
    @inline(__always)
    mutating func settle(_ file: UnsafeMutablePointer<sqlite3_file>) -> Int32 {
        awaitsPage = false
        return count == 0 ? SQLITE_OK : writeKept(to: file)
    }

    /// After a failure nothing is kept: SQLite gives the commit up.
    private mutating func writeKept(to file: UnsafeMutablePointer<sqlite3_file>) -> Int32 {
        defer { count = 0 }
        return bytes.map { Self.write($0, count, at: start, to: file) } ?? SQLITE_OK
    }

    private static func write(
        _ bytes: UnsafeRawPointer, _ size: Int, at offset: sqlite3_int64, to file: UnsafeMutablePointer<sqlite3_file>
    ) -> Int32 {
        // A file that is open has methods.
        file.pointee.pMethods.unsafelyUnwrapped.pointee.xWrite(file, bytes, Int32(size), offset)
    }
}
