/// Who hears that a write still waits for the lock that another program holds: every few milliseconds for as long as it waits.
///
/// A loop whose writes wait so is not hung. A restart would not get the lock either, and twelve of them in ten minutes fail the unit for good: a
/// VACUUM of somebody else's takes longer than that.
package final class LockWait: Sendable {
    // An object and not a closure: Swift 6.3 with optimisation pushes a task-local closure without its type, and crashes.
    @TaskLocal static var current: LockWait?

    private let heard: @Sendable () -> Void

    private init(_ heard: @escaping @Sendable () -> Void) {
        self.heard = heard
    }

    /// Has `heard` called for the writes of this work, and of what it starts.
    package static func hearing<T>(
        _ heard: @escaping @Sendable () -> Void, isolation: isolated (any Actor)? = #isolation,
        _ work: () async throws -> T
    ) async rethrows -> T {
        try await $current.withValue(LockWait(heard), operation: work)
    }

    func note() { heard() }
}
