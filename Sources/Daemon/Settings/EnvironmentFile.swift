import Foundation

/// A file of variables as systemd's `EnvironmentFile=` reads it (systemd.exec(5)), so that tallyd takes from a file what
/// its service would have been started with.
///
/// A line is `NAME=value`. Lines that begin with `#` or `;` are comments; a `#` later in a line is part of the value.
/// White space around name and value is dropped. `'…'` keeps everything as it stands, `"…"` everything but a backslash
/// before `"`, `\`, `` ` ``, `$` or a line break; both may span lines. Outside of quotes a backslash vanishes and keeps the
/// next character, and with a line break vanishes whole. Nothing is expanded. Of two lines with one name the last wins.
///
/// Stricter than systemd where it would lose a setting of ours without a word; see `EnvironmentFileParser`.
package struct EnvironmentFile: Sendable, Hashable {
    package let path: String
    /// Every variable whose name systemd would take, ours or not.
    package let variables: [String: String]

    /// A file of settings is a few kilobytes; what is larger than this is no such file.
    static let byteLimit = 1 << 20

    /// Reads the file.
    ///
    /// - Throws: `EnvironmentFileError` with everything that is wrong in it, or with the reason why it can't be read.
    package init(path: String) throws(EnvironmentFileError) {
        let bytes: [UInt8]
        do {
            bytes = try Self.contents(of: path)
        } catch {
            throw EnvironmentFileError(path: path, problems: [error.sentence])
        }
        try self.init(path: path, bytes: bytes)
    }

    /// - Parameter path: for messages.
    init(path: String, bytes: [UInt8]) throws(EnvironmentFileError) {
        var parser = EnvironmentFileParser()
        parser.parse(bytes)
        guard parser.problems.isEmpty else {
            throw EnvironmentFileError(
                path: path, problems: parser.problems.map { "\(path), line \($0.line): \($0.sentence)" })
        }
        self.path = path
        variables = parser.variables
    }

    /// Read with open(2), which says why it failed in the system's own words. Never waits: a pipe in its place is refused.
    private static func contents(of path: String) throws(SettingComplaint) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw SettingComplaint(
                "cannot read the settings file \(path): \(String(cString: strerror(errno))); "
                    + "name the right file in TALLYD_ENVIRONMENT_FILE, and let tallyd's group read it")
        }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            throw SettingComplaint("cannot read the settings file \(path): it is no regular file; name one")
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw SettingComplaint(
                    "cannot read the settings file \(path): \(String(cString: strerror(errno))); look at its volume")
            }
            guard count > 0 else { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= byteLimit else {
                throw SettingComplaint("the settings file \(path) is larger than 1 MiB; name the right file")
            }
        }
    }
}
