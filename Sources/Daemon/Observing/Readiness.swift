import Synchronization

/// Says once that every loop stands: READY must not come before.
final class Readiness: Sendable {
    private let missing: Mutex<Int>
    private let whenReady: @Sendable () -> Void

    init(loops: Int, whenReady: @escaping @Sendable () -> Void) {
        missing = Mutex(loops)
        self.whenReady = whenReady
    }

    /// Called by each loop once, as it begins.
    func arrive() {
        let isLast = missing.withLock {
            $0 -= 1
            return $0 == 0
        }
        if isLast { whenReady() }
    }
}
