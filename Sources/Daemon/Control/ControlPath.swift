import Foundation
import Storage
import Systemd

/// A socket's path in a form that the kernel takes. sun_path holds 107 bytes; a longer path is reached through its folder's
/// descriptor, `/proc/self/fd/N/NAME`.
final class ControlPath: Sendable {
    let address: UnixAddress
    private let folder: Int32?

    /// - Throws: `ControlError` for a folder that can't be opened, and for a file name that is too long in any form.
    init(_ path: String) throws(ControlError) {
        if let address = UnixAddress(path) {
            self.address = address
            folder = nil
            return
        }
        let descriptor = open(Store.folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw ControlError.system(path, errno) }
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        guard let address = UnixAddress("/proc/self/fd/\(descriptor)/\(name)") else {
            close(descriptor)
            throw ControlError(
                path: path, errno: ENAMETOOLONG,
                cause: "its name is longer than a socket's address can hold, which is about 80 bytes")
        }
        self.address = address
        folder = descriptor
    }

    deinit {
        if let folder { close(folder) }
    }
}
