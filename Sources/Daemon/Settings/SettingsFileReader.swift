import Foundation

/// Reads a small file whole, and says in the system's words why it can't. Never waits: a pipe in its place is refused.
enum SettingsFileReader {
    /// - Parameter limit: in KiB; what is larger is not what it should be.
    /// - Throws: the cause alone, as the middle of a sentence.
    static func contents(of path: String, limit: Int) throws(SettingComplaint) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw SettingComplaint(String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            throw SettingComplaint("it is no regular file")
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SettingComplaint(String(cString: strerror(errno))) }
            guard count > 0 else { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= limit << 10 else { throw SettingComplaint("it is larger than \(limit) KiB") }
        }
    }
}
