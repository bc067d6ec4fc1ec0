import Foundation
import Storage
import Systemd

/// A listening socket of ours in the file system, removed with this value.
final class ControlListener: Sendable {
    let descriptor: Int32
    private let path: String
    private let device: dev_t
    private let file: ino_t

    /// Listens, with mode 0660 from the first moment on. A socket that nobody listens on is what a dead daemon left, and is
    /// replaced; one that somebody listens on is left alone.
    ///
    /// - Parameter group: becomes the socket's group, where the process may give it that.
    /// - Throws: `ControlError`.
    init(path: String, group: gid_t?) throws(ControlError) {
        let reachable = try ControlPath(path)
        // Two that start at once must not both find a dead socket, and the second remove the first's new one.
        let folder = try Self.lockedFolder(of: path)
        defer { close(folder) }
        try Self.clear(path, reachable)
        let descriptor = socket(
            AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw ControlError.system(path, errno) }
        // On Linux a bound socket's file begins with the mode of the socket itself, less the umask.
        fchmod(descriptor, 0o660)
        guard reachable.address.withSocketAddress({ bind(descriptor, $0, $1) }) == 0 else {
            defer { close(descriptor) }
            throw ControlError.system(path, errno)
        }
        chmod(path, 0o660)
        if let group { _ = chown(path, uid_t.max, group) }
        var facts = stat()
        guard listen(descriptor, 16) == 0, lstat(path, &facts) == 0 else {
            defer {
                close(descriptor)
                unlink(path)
            }
            throw ControlError.system(path, errno)
        }
        self.descriptor = descriptor
        self.path = path
        device = facts.st_dev
        file = facts.st_ino
    }

    deinit {
        remove()
        close(descriptor)
    }

    /// Takes the file away, so that nobody new comes. Only our own: somebody may have removed it and listen there now.
    func remove() {
        var facts = stat()
        if lstat(path, &facts) == 0, facts.st_dev == device, facts.st_ino == file { unlink(path) }
    }

    private static func lockedFolder(of path: String) throws(ControlError) -> Int32 {
        let folder = open(Store.folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw ControlError.system(path, errno) }
        // Held for a few system calls by another tallyd, so half a second is plenty.
        for _ in 0..<50 {
            if flock(folder, LOCK_EX | LOCK_NB) == 0 { return folder }
            usleep(10_000)
        }
        close(folder)
        throw ControlError(path: path, errno: EWOULDBLOCK, cause: "another program keeps its folder locked")
    }

    private static func clear(_ path: String, _ reachable: ControlPath) throws(ControlError) {
        var facts = stat()
        guard lstat(path, &facts) == 0 else { return }
        guard facts.st_mode & S_IFMT == S_IFSOCK else {
            throw ControlError(path: path, errno: EEXIST, cause: "a file that is no socket has this name")
        }
        let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard probe >= 0 else { throw ControlError.system(path, errno) }
        defer { close(probe) }
        let code = reachable.address.withSocketAddress { connect(probe, $0, $1) } == 0 ? 0 : errno
        switch code {
        case ECONNREFUSED: unlink(path)
        case ENOENT: break
        // With a full queue the kernel says EAGAIN: somebody listens, and is busy.
        case 0, EAGAIN: throw ControlError(path: path, errno: EADDRINUSE, cause: "another program listens there")
        default: throw ControlError.system(path, code)
        }
    }
}
