/// All that is wrong with the settings, so that one start finds every mistake.
package struct SettingsError: Error, Sendable, CustomStringConvertible {
    /// One sentence each: the setting, the cause, and what to write instead. No control characters, no secrets.
    package let problems: [String]
    /// What could be read nonetheless.
    package let listing: Settings.Listing

    package var description: String { problems.joined(separator: "\n") }
}
