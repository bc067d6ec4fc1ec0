import Glibc

/// Keeps one kind's folder of archives to one process for as long as this value lives.
///
/// The term refuses what a daemon writes to the database after another one has taken over; a file it would go on writing all the same. One that was
/// stopped in the middle of an archive might so write into the file, or rename its own over the file, by which its successor has let rows go.
final class ArchiveLock: Sendable {
    private let descriptor: Int32

    /// Nil on a volume that knows no locks (flock(2)).
    ///
    /// - Throws: `StorageError` of kind `archiveFailed` while another process has it.
    init?(folder: String) throws {
        let file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        // Whoever writes there finds out, and says it.
        guard file >= 0 else { return nil }
        if flock(file, LOCK_EX | LOCK_NB) == 0 {
            descriptor = file
            return
        }
        let code = errno
        close(file)
        guard code == EWOULDBLOCK else { return nil }
        throw StorageError(
            .archiveFailed, cannot: "work on the archives in", folder,
            because: "another tallyd does, perhaps one that was stopped while it wrote there",
            remedy:
                "Find it with `fuser \(folder)` and let it go on or end it; nothing was removed, and the next run goes on."
        )
    }

    deinit {
        close(descriptor)
    }
}
