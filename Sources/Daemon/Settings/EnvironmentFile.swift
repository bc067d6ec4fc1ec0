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

    /// In KiB: a file of settings is a few, and what is larger than this is no such file.
    private static let limit = 1_024

    /// Reads the file.
    ///
    /// - Throws: `EnvironmentFileError` with everything that is wrong in it, or with the reason why it can't be read.
    package init(path: String) throws(EnvironmentFileError) {
        let bytes: [UInt8]
        do throws(SettingComplaint) {
            bytes = try SettingsFileReader.contents(of: path, limit: Self.limit)
        } catch {
            throw EnvironmentFileError(
                path: path,
                problems: [
                    "cannot read the settings file \(path): \(error.sentence); "
                        + "name the right file in TALLYD_ENVIRONMENT_FILE, and let tallyd's group read it"
                ])
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
}
