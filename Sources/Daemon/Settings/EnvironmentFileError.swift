/// A file of variables that cannot be used.
package struct EnvironmentFileError: Error, Hashable, CustomStringConvertible {
    package let path: String
    /// One sentence each, with the line where there is one. Never a value, which may be a secret.
    package let problems: [String]

    package var description: String { problems.joined(separator: "\n") }
}
