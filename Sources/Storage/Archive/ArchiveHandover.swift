package import Scheduling

/// What is done with an archive that stands in its folder, written and read back: somebody takes it on, to object storage for one.
///
/// It is given from outside: Storage starts no process. An archive is on record, and rows go by it, only once it was taken.
package struct ArchiveHandover: Sendable {
    /// A file to take: an archive, or its sidecar.
    package struct File: Sendable, Equatable {
        package let path: String
        /// As the archive's own name says it, such as `messages`.
        package let table: String
        package let day: Day
        package let part: Int
        /// Of this file, in hexadecimal.
        package let sha256: String

        package init(path: String, table: String, day: Day, part: Int, sha256: String) {
            self.path = path
            self.table = table
            self.day = day
            self.part = part
            self.sha256 = sha256
        }
    }

    package enum Answer: Sendable, Equatable {
        /// Whoever took it answers for it from here on. The file may be gone.
        case taken
        /// It was asked to stop first.
        case stopped
    }

    /// Throws where the file was not taken. Asks `shouldStop` several times a second.
    package let take: @Sendable (_ file: File, _ shouldStop: @escaping @Sendable () -> Bool) async throws -> Answer

    package init(
        take: @escaping @Sendable (_ file: File, _ shouldStop: @escaping @Sendable () -> Bool) async throws -> Answer
    ) {
        self.take = take
    }

    /// Thrown to where a purge ends in order.
    struct Stopped: Error {}

    /// The sidecar first: whoever finds the archive finds what it holds, and when the archive itself is taken, all of it is.
    func takeBoth(
        of entry: ArchiveManifest.Entry, sidecarSHA256: String, _ shouldStop: @escaping @Sendable () -> Bool
    ) async throws {
        let files = [
            (ArchiveSidecar.path(for: entry.path), sidecarSHA256), (entry.path, entry.digest.fileSHA256),
        ]
        for (path, sha256) in files {
            let file = File(path: path, table: entry.table, day: entry.day, part: entry.part, sha256: sha256)
            guard try await take(file, shouldStop) == .taken else { throw Stopped() }
        }
    }
}
