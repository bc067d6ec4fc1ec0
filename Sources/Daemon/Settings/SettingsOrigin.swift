/// Where the settings of this process come from: its variables, the options it was given, and the environment file. With
/// it they can be read again, as a reload does.
///
/// systemd puts the file's variables into the process, where they stay as they were at the start. So a variable that
/// the process and the file had alike at the start counts as the file's: changed there, the new value holds; gone from there,
/// the default does. A variable that only the process has, or has otherwise, is its own and stays.
package struct SettingsOrigin: Sendable {
    /// The environment file, where there is one.
    package let file: String?
    private let own: [String: String]
    private let options: [String: String]

    /// Reads the file once, to tell whose each variable is.
    ///
    /// - Parameters:
    ///   - environment: the process's variables.
    ///   - environmentFile: the value of `--environment-file`, which wins over TALLYD_ENVIRONMENT_FILE.
    ///   - database: the value of `--database`.
    ///   - deployment: the value of `--environment`.
    package init(
        environment: [String: String], environmentFile: String? = nil, database: String? = nil,
        deployment: String? = nil
    ) {
        let given = [
            SettingsTable.database.name: database, SettingsTable.environment.name: deployment,
            SettingsTable.environmentFile.name: environmentFile,
        ]
        options = given.compactMapValues(\.self)
        let name = SettingsTable.environmentFile.name
        // A path that is refused as a setting is not read as a file.
        file = (environmentFile ?? environment[name]).flatMap { text in
            text.allSatisfy(\.isWhitespace) ? nil : try? SettingsTable.environmentFile.kind.parse(text)
        }
        guard let file, let atStart = try? EnvironmentFile(path: file) else {
            own = environment
            return
        }
        // The name of the file itself is never the file's to change.
        own = environment.filter { $0.key == name || atStart.variables[$0.key] != $0.value }
    }

    /// The settings as they stand now: reads the file anew.
    ///
    /// - Throws: `SettingsError` with every problem, those of the file first.
    package func read() throws(SettingsError) -> Settings {
        guard let file else { return try Settings(environment: own, options: options) }
        let variables: [String: String]
        do throws(EnvironmentFileError) {
            variables = try EnvironmentFile(path: file).variables
        } catch {
            return try Settings(environment: own, fileProblems: error.problems, options: options)
        }
        return try Settings(environment: own, file: variables, options: options)
    }
}
