import Glibc

/// The system calls that archives are made of, so that a test can let each of them fail.
///
/// Each does what its manual page says, and throws errno where that says it is set. None repeats a call that a signal cut short: that is the
/// callers' business, which tests see.
package struct ArchiveFiles: Sendable {
    /// What errno said.
    package struct Failure: Error, Equatable {
        package let code: Int32

        package init(code: Int32) {
            self.code = code
        }
    }

    /// Creates the file, or empties the one that is there, for writing. A symbolic link in its place is refused.
    package var openToWrite: @Sendable (_ path: String) throws(Failure) -> Int32
    package var openToRead: @Sendable (_ path: String) throws(Failure) -> Int32
    /// Opens a folder, to be given to `fsync`.
    package var openFolder: @Sendable (_ path: String) throws(Failure) -> Int32
    package var read: @Sendable (_ file: Int32, _ into: UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    package var write: @Sendable (_ file: Int32, _ bytes: UnsafeRawBufferPointer) throws(Failure) -> Int
    package var fsync: @Sendable (_ file: Int32) throws(Failure) -> Void
    package var close: @Sendable (_ file: Int32) throws(Failure) -> Void
    package var rename: @Sendable (_ from: String, _ to: String) throws(Failure) -> Void
    package var unlink: @Sendable (_ path: String) throws(Failure) -> Void

    /// Read and write for tallyd, read for its group, such as a backup's; nothing for others: the lines hold user ids and addresses.
    static let mode: mode_t = 0o640

    /// The operating system's own.
    package static let system = ArchiveFiles(
        openToWrite: { path throws(Failure) in
            let file = try check(
                Glibc.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode))
            // For a file that was there already with another mode. Volumes without modes of their own refuse it, and that is all right.
            _ = fchmod(file, mode)
            return file
        },
        openToRead: { path throws(Failure) in try check(Glibc.open(path, O_RDONLY | O_CLOEXEC)) },
        openFolder: { path throws(Failure) in try check(Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) },
        read: { file, bytes throws(Failure) in try check(Glibc.read(file, bytes.baseAddress, bytes.count)) },
        write: { file, bytes throws(Failure) in try check(Glibc.write(file, bytes.baseAddress, bytes.count)) },
        fsync: { file throws(Failure) in _ = try check(Glibc.fsync(file)) },
        close: { file throws(Failure) in _ = try check(Glibc.close(file)) },
        rename: { from, to throws(Failure) in _ = try check(Glibc.rename(from, to)) },
        unlink: { path throws(Failure) in _ = try check(Glibc.unlink(path)) }
    )

    private static func check<Result: BinaryInteger>(_ result: Result) throws(Failure) -> Result {
        guard result >= 0 else { throw Failure(code: errno) }
        return result
    }

    /// Makes a call again for as long as signals cut it short (EINTR).
    static func retrying<T>(_ call: () throws(Failure) -> T) throws(Failure) -> T {
        while true {
            do {
                return try call()
            } catch {
                guard error.code == EINTR else { throw error }
            }
        }
    }
}

extension StorageError {
    /// Puts errno into words. Anything that is not errno passes through as it is.
    static func wrapping(_ error: any Error, cannot operation: String, archive path: String) -> any Error {
        guard let failure = error as? ArchiveFiles.Failure else { return error }
        let said = String(cString: strerror(failure.code))
        func make(_ kind: Kind, _ remedy: String) -> StorageError {
            StorageError(kind, cannot: operation, path, because: said, remedy: remedy)
        }
        return switch failure.code {
        case ENOSPC, EDQUOT, EFBIG:
            make(.full, "Free space on its volume, or raise the quota or limit; then it is written anew.")
        case EACCES, EPERM:
            make(.readOnly, "Give tallyd's user access to the file and write access to its folder (chmod g+w, setgid).")
        case EROFS:
            make(.readOnly, "Mount its volume for writing; in a unit, name the folder in ReadWritePaths=.")
        case ENOENT, ENOTDIR:
            make(.missing, "Check the path, and make the folder if it is not there.")
        case EIO:
            make(.archiveFailed, "Look at the kernel's log (`journalctl -k`) for the disk.")
        default:
            make(.archiveFailed, "Check the folder and its volume; if it stays, report it with this line.")
        }
    }
}
