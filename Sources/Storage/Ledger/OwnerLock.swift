import Foundation

/// The operating system's word for "one tallyd counts in this database": a lock on a file beside it, gone the moment its process is.
package final class OwnerLock: Sendable {
    private let descriptor: Int32
    package let path: String

    /// Takes the lock at once or not at all.
    ///
    /// - Parameter description: put into the file for people, such as `tallyd run, process 4711`.
    /// - Throws: `StorageError` of kind `ownedByAnother` while another process holds it, saying what that one wrote.
    package init(database: String, description: String) throws {
        path = Self.path(for: database)
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o660)
        guard descriptor >= 0 else {
            throw StorageError(
                .readOnly, cannot: "make the lock file", path, because: String(cString: strerror(errno)),
                remedy: "Give tallyd's user write access to the database's folder.")
        }
        // Others of the database's group must be able to open it, whatever the umask.
        fchmod(descriptor, 0o660)
        // Whoever asks for the holder has a shared lock for a moment: so a few tries, over a tenth of a second.
        var isTaken = false
        for attempt in 0..<10 where !isTaken {
            if attempt > 0 { usleep(10_000) }
            isTaken = flock(descriptor, LOCK_EX | LOCK_NB) == 0
        }
        guard isTaken else {
            let holder = Self.holder(database: database) ?? "another tallyd"
            close(descriptor)
            throw StorageError(
                .ownedByAnother, cannot: "take", database, because: "\(holder) has it",
                remedy: "One tallyd counts in a database; stop that one first, or let it do the work.")
        }
        ftruncate(descriptor, 0)
        let text = Array(description.utf8)
        _ = text.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    }

    deinit {
        ftruncate(descriptor, 0)
        close(descriptor)
    }

    /// What the process that holds the lock wrote; nil when nobody holds it.
    package static func holder(database: String) -> String? {
        let file = open(path(for: database), O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        guard flock(file, LOCK_SH | LOCK_NB) != 0 else { return nil }
        let text = try? String(contentsOfFile: path(for: database), encoding: .utf8)
        return text.flatMap { $0.isEmpty ? nil : $0 } ?? "another tallyd"
    }

    static func path(for database: String) -> String { database + "-tallyd.lock" }
}
