import Glibc

/// The copy in the making, `<database>.compacting`: with the owner, group and mode of the original from its first byte on, so that at no time anybody
/// reads it who may not read the original.
struct CompactingFile {
    let path: String
    let original: String
    let files: ArchiveFiles

    static func path(for database: String) -> String { database + ".compacting" }

    /// What SQLite may have left beside it in a crash. A hot journal would be played into the next copy.
    private static let parts = ["", "-journal", "-wal", "-shm"]

    /// Makes it, empty, in place of one that a crash left.
    ///
    /// - Parameter identity: the original's.
    init(for original: String, like identity: FileIdentity, files: ArchiveFiles) throws {
        path = Self.path(for: original)
        self.original = original
        self.files = files
        try remove()
        let file = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure("create", errno) }
        defer { close(file) }
        // The owner first: giving a file away takes its set-id bits.
        guard fchown(file, identity.owner, identity.group) == 0 else {
            let said = String(cString: strerror(errno))
            abandon()
            throw StorageError(
                .readOnly, cannot: "compact", original,
                because:
                    "the copy can't be given to its owner, user \(identity.owner) and group \(identity.group) (\(said))",
                remedy: "Run it as that user, or as root.")
        }
        guard fchmod(file, identity.mode) == 0 else {
            let code = errno
            abandon()
            throw failure("set the mode of", code)
        }
    }

    /// Removes it and what lies beside it, where it is there.
    private func remove() throws {
        for part in Self.parts {
            do {
                try files.unlink(path + part)
            } catch  where error.code == ENOENT {
                continue
            } catch {
                throw StorageError.wrapping(error, cannot: "remove", archive: path + part)
            }
        }
    }

    /// As far as that is possible.
    func abandon() {
        for part in Self.parts { try? files.unlink(path + part) }
    }

    /// Brings its content to the disk. No connection may have it open: closing a file takes its process's locks away (fcntl(2)).
    func sync() throws {
        do {
            let file = try ArchiveFiles.retrying { () throws(ArchiveFiles.Failure) in try files.openToRead(path) }
            defer { try? files.close(file) }
            try ArchiveFiles.retrying { () throws(ArchiveFiles.Failure) in try files.fsync(file) }
        } catch {
            throw StorageError.wrapping(error, cannot: "bring to the disk", archive: path)
        }
    }

    /// Puts it in the original's place.
    ///
    /// Whatever log lies beside the original belongs to its past, since the original is out of WAL mode by then, and must not be taken for the new
    /// file's: so it goes before.
    func takePlace() throws {
        for part in Self.parts.dropFirst() {
            do {
                try files.unlink(original + part)
            } catch  where error.code == ENOENT {
                continue
            } catch {
                throw StorageError.wrapping(error, cannot: "remove", archive: original + part)
            }
        }
        do {
            try files.rename(path, original)
        } catch {
            throw StorageError.wrapping(error, cannot: "rename \(path) to", archive: original)
        }
    }

    /// Brings the change of names to the disk.
    func syncFolder() throws {
        let folderPath = PendingFile.folder(of: original)
        do {
            let folder = try ArchiveFiles.retrying { () throws(ArchiveFiles.Failure) in try files.openFolder(folderPath)
            }
            defer { try? files.close(folder) }
            try ArchiveFiles.retrying { () throws(ArchiveFiles.Failure) in try files.fsync(folder) }
        } catch {
            throw StorageError.wrapping(
                error, cannot: "bring to the disk (whole, and in use already) the new name of", archive: original)
        }
    }

    private func failure(_ operation: String, _ code: Int32) -> any Error {
        StorageError.wrapping(ArchiveFiles.Failure(code: code), cannot: operation, archive: path)
    }
}
