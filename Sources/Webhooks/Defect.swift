/// Why a value that others wrote (a url, a secret, a list of events, a setting) is refused, and what to write in its place.
///
/// The name is stored beside what it stopped and never changes; the reason follows the value's name in a sentence: "the
/// url" + "has a user name in it". Neither repeats the value, which may hold a secret.
package struct Defect: Error, Hashable, Sendable, CustomStringConvertible {
    /// `secret_too_short`, `url_has_userinfo`: lower-case words, the subject first.
    package let name: String
    package let reason: String
    package let remedy: String

    package init(_ name: String, _ reason: String, remedy: String) {
        self.name = name
        self.reason = reason
        self.remedy = remedy
    }

    package var description: String {
        "\(reason); \(remedy)"
    }
}
