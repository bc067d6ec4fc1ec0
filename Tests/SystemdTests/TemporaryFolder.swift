import Glibc

/// A folder for one test's sockets and files, gone with the test.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/tallyd-systemd-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw SystemFailure(code: errno) }
        path = String(cString: made)
    }

    deinit {
        if let folder = opendir(path) {
            while let entry = readdir(folder) {
                withUnsafePointer(to: &entry.pointee.d_name) { name in
                    name.withMemoryRebound(to: CChar.self, capacity: 256) {
                        _ = unlink("\(path)/\(String(cString: $0))")
                    }
                }
            }
            closedir(folder)
        }
        rmdir(path)
    }
}

struct SystemFailure: Error {
    let code: Int32
}
