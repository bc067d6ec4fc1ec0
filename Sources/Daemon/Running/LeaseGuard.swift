import Logging
import ServiceLifecycle
import Storage
import Synchronization

/// Ends the daemon when another one has taken over its lease: what it would write is refused anyway, and it must not look as if it served.
struct LeaseGuard: Service {
    let lock: OwnerLock
    /// Whether the lease has been earned: every loop made progress.
    let isWell: @Sendable () -> Bool
    let logger: Logger

    func run() async throws {
        let wake = WakeSignal()
        // The lock outlives this service, and so must what it calls.
        let keeper = Keeper()
        lock.serve(while: isWell) { error in
            keeper.note(error)
            wake.signal()
        }
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled, keeper.loss == nil { await wake.wait(for: .seconds(86_400)) }
        }
        guard let error = keeper.loss else { return }
        logger.error("lease lost", metadata: ["message_id": "\(MessageID.leaseLost)", "error": "\(error)"])
        throw error
    }

    private final class Keeper: Sendable {
        private let state = Mutex<StorageError?>(nil)
        var loss: StorageError? { state.withLock { $0 } }
        func note(_ error: StorageError) { state.withLock { $0 = error } }
    }
}
