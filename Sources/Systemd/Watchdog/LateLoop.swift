/// A loop that has not completed a cycle within its time.
package struct LateLoop: Sendable, Equatable {
    package let name: String

    /// Since its last completed cycle.
    package let age: Duration

    /// What it had promised.
    package let allowed: Duration

    package init(name: String, age: Duration, allowed: Duration) {
        self.name = name
        self.age = age
        self.allowed = allowed
    }
}
