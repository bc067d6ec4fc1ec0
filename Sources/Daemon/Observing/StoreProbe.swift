import ServiceLifecycle
import Storage
import Systemd

/// Asks the store for a read again and again, and beats when it answered: a database that hangs (a dead disk, a network file system) is
/// something that a restart may cure. One that answers with an error is not; that is for the lanes to report.
struct StoreProbe: Service {
    let store: Store
    let every: Duration
    let heartbeat: Heartbeat
    let standing: @Sendable () -> Void

    func run() async throws {
        standing()
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                _ = try? await store.answers()
                heartbeat.beat()
                try? await Task.sleep(for: every)
            }
        }
        heartbeat.retire()
    }
}
