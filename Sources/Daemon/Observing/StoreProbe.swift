import ServiceLifecycle
import Storage
import Systemd

/// Asks the store for a read again and again, and beats when it answered: a database that hangs (a dead disk, a network file system) is
/// something that a restart may cure. One that answers with an error is not; that is for the lanes to report.
///
/// It also notices when the store has come to rest, and has it give back the memory that the work before took.
struct StoreProbe: Service {
    let store: Store
    let longestWait: @Sendable () -> Duration
    let heartbeat: Heartbeat
    let standing: @Sendable () -> Void

    func run() async throws {
        standing()
        await cancelWhenGracefulShutdown {
            var seen = -1
            var released = -1
            while !Task.isCancelled {
                _ = try? await store.answers()
                heartbeat.beat()
                let writes = store.writer.totals.writes
                if writes == seen, writes != released {
                    await store.releaseMemory()
                    released = writes
                }
                seen = writes
                try? await Task.sleep(for: longestWait())
            }
        }
        heartbeat.retire()
    }
}
