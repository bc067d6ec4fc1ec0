import Glibc

/// A file that is not there yet: `<path>.tmp` until it is written whole, is on the disk, and takes its name.
///
/// The way that a file must go to be there after a power cut, whole or not at all: write, fsync, close, rename, fsync the folder (rename(2), fsync(2)).
/// An fsync that failed is never tried again: Linux marks the pages as clean, and a second one would succeed without them
/// (wiki.postgresql.org/wiki/Fsync_Errors). What was written is removed then.
struct PendingFile {
    let path: String
    let files: ArchiveFiles
    private var file: Int32?

    static func temporaryPath(for path: String) -> String { path + ".tmp" }

    private var temporaryPath: String { Self.temporaryPath(for: path) }

    /// Creates `<path>.tmp`, or empties the one that a crash left there.
    init(path: String, files: ArchiveFiles) throws {
        self.path = path
        self.files = files
        let temporaryPath = Self.temporaryPath(for: path)
        do {
            file = try ArchiveFiles.retrying { () throws(ArchiveFiles.Failure) in try files.openToWrite(temporaryPath) }
        } catch {
            throw StorageError.wrapping(error, cannot: "create", archive: temporaryPath)
        }
    }

    /// Writes all of the bytes, in as many calls as it takes.
    func write(_ bytes: UnsafeRawBufferPointer) throws {
        guard let file else { throw notOpen() }
        var rest = bytes
        while !rest.isEmpty {
            let count: Int
            do {
                count = try ArchiveFiles.retrying { () throws(ArchiveFiles.Failure) in try files.write(file, rest) }
                // No file system answers so for a regular file, and asking on would go on for ever.
                guard count > 0 else { throw ArchiveFiles.Failure(code: EIO) }
            } catch {
                throw StorageError.wrapping(error, cannot: "write", archive: temporaryPath)
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// Brings what was written to the disk and closes the file.
    mutating func finish() throws {
        guard let file else { throw notOpen() }
        do {
            try ArchiveFiles.retrying { () throws(ArchiveFiles.Failure) in try files.fsync(file) }
        } catch {
            throw StorageError.wrapping(error, cannot: "bring to the disk", archive: temporaryPath)
        }
        do {
            try closeOnce()
        } catch {
            throw StorageError.wrapping(error, cannot: "close", archive: temporaryPath)
        }
    }

    /// Closes and removes it, as far as that is possible.
    mutating func abandon() {
        try? closeOnce()
        try? files.unlink(temporaryPath)
    }

    /// Never twice: the descriptor is gone even if close fails, and may be another file's by then (close(2)).
    private mutating func closeOnce() throws {
        guard let file else { return }
        self.file = nil
        do {
            try files.close(file)
        } catch let failure where failure.code == EINTR {
            return
        }
    }

    private func notOpen() -> StorageError {
        StorageError(
            .archiveFailed, cannot: "write", temporaryPath, because: "it was finished or given up before",
            remedy: "Write it anew from its beginning.")
    }

    /// Gives a finished file its name, for good. What had that name is replaced.
    ///
    /// On an error there is no file of that name, and no `<path>.tmp` either, as far as they could be removed.
    static func publish(path: String, files: ArchiveFiles) throws {
        let temporaryPath = temporaryPath(for: path)
        let folderPath = folder(of: path)
        let folder: Int32
        do {
            // Before the rename: if the folder can't be opened, there is nothing to take back.
            folder = try ArchiveFiles.retrying { () throws(ArchiveFiles.Failure) in try files.openFolder(folderPath) }
        } catch {
            try? files.unlink(temporaryPath)
            throw StorageError.wrapping(error, cannot: "open the folder", archive: folderPath)
        }
        // It was opened to be read: a failure to close it says nothing of what is on the disk.
        defer { try? files.close(folder) }
        do {
            try files.rename(temporaryPath, path)
        } catch {
            try? files.unlink(temporaryPath)
            throw StorageError.wrapping(error, cannot: "rename \(temporaryPath) to", archive: path)
        }
        do {
            try ArchiveFiles.retrying { () throws(ArchiveFiles.Failure) in try files.fsync(folder) }
        } catch {
            // The name may or may not be there after a power cut. Nobody is to rely on it.
            try? files.unlink(path)
            throw StorageError.wrapping(error, cannot: "bring to the disk the name of", archive: path)
        }
    }

    /// Brings to the disk a file that stands already, and its name: whoever published it may have been cut before the folder's fsync.
    static func settle(path: String, files: ArchiveFiles) throws(ArchiveFiles.Failure) {
        try settle { () throws(ArchiveFiles.Failure) in try files.openToRead(path) }
        try settle { () throws(ArchiveFiles.Failure) in try files.openFolder(folder(of: path)) }

        func settle(_ open: () throws(ArchiveFiles.Failure) -> Int32) throws(ArchiveFiles.Failure) {
            let file = try ArchiveFiles.retrying(open)
            defer { try? files.close(file) }
            try ArchiveFiles.retrying { () throws(ArchiveFiles.Failure) in try files.fsync(file) }
        }
    }

    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
