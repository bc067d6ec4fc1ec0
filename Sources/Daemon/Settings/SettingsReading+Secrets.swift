import Foundation

extension SettingsReading {
    /// The text of a secret: from systemd's credentials, else from the file that `NAME_FILE` names.
    ///
    /// The variable itself is refused: `systemctl show` and every child process would have it. No complaint shows what a
    /// file holds. One final line break is not a part of the secret, since editors and `echo` add one.
    ///
    /// - Returns: nil when there is none, or when it was refused; `problems` then says so.
    mutating func secretText(of setting: some SettingDeclaration) -> (text: String, source: SettingSource)? {
        let fileName = setting.name + "_FILE"
        guard text(named: setting.name) == nil else {
            refuse(
                "\(setting.name) is a secret, and variables are read by others; put it into a file, "
                    + "and write \(fileName)=/path/of/the/file, or use LoadCredential= in the unit")
            return nil
        }
        if let path = credentialPath(of: setting) {
            return secret(setting, in: path, named: "the credential").map { ($0, .credential) }
        }
        guard let (path, _) = text(named: fileName) else { return nil }
        return secret(setting, in: path, named: fileName).map { ($0, .secretFile) }
    }

    /// systemd.exec(5), LoadCredential=: the files of a folder come with the folder's id and an underscore before their names.
    private func credentialPath(of setting: some SettingDeclaration) -> String? {
        guard let folder = credentialsFolder, !folder.isEmpty else { return nil }
        let path = "\(folder)/tallyd_\(setting.name.dropFirst("TALLYD_".count).lowercased())"
        var facts = stat()
        // What is there and can't be read is an error, and no reason to look elsewhere.
        return lstat(path, &facts) == 0 || errno != ENOENT ? path : nil
    }

    private mutating func secret(_ setting: some SettingDeclaration, in path: String, named origin: String) -> String? {
        do throws(SettingComplaint) {
            var bytes = try SettingsFileReader.contents(of: path, limit: 64)
            if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
            guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
                throw SettingComplaint("it is no UTF-8 text")
            }
            guard !text.allSatisfy(\.isWhitespace) else { throw SettingComplaint("it is empty") }
            return text
        } catch {
            refuse(
                "\(setting.name) cannot be read from \(origin) \(path): \(error.sentence); "
                    + "put the secret there, readable for tallyd's user alone")
            return nil
        }
    }
}
