/// What all declarations tell, whatever the type of their values.
package protocol SettingDeclaration: Sendable {
    /// The environment variable: `TALLYD_` and upper-case words.
    var name: String { get }
    /// One sentence for people.
    var meaning: String { get }
    /// The values it takes, in words: "a duration from 1s to 1h".
    var accepts: String { get }
    /// The value without which it is understood, as text; nil when there is none.
    var defaultText: String? { get }
    /// A value that parses and is not the default.
    var example: String { get }
    /// The option that overrides it on the command line, with its dashes.
    var flag: String? { get }
    var isSecret: Bool { get }
    /// Whether a reload applies a change at once; else it waits for the next start.
    var isLive: Bool { get }
}
