import Synchronization

/// Raised once.
final class LockedFlag: Sendable {
    private let isRaised = Mutex(false)

    /// Whether this call raised it.
    func raise() -> Bool {
        isRaised.withLock { isRaised in
            defer { isRaised = true }
            return !isRaised
        }
    }
}
