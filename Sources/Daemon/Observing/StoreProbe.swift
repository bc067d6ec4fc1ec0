import Logging
import ServiceLifecycle
import Storage
import Systemd

/// Asks the store for a read again and again, and beats when it answered: a database that hangs (a dead disk, a network file system) is
/// something that a restart may cure. One that answers with an error is not; that is for the lanes to report.
///
/// It also notices when the database's file is another one by its name, such as a backup that was put in its place: SQLite goes on with the old file, which
/// nobody reads any more. That ends the daemon, and its manager starts it on the new one. A file that is gone may come again, so that is only said.
///
/// And it notices when the store has come to rest, and has it give back the memory that the work before took.
struct StoreProbe: Service {
    let store: Store
    let longestWait: @Sendable () -> Duration
    let heartbeat: Heartbeat
    let standing: @Sendable () -> Void
    let logger: Logger
    let monotonic: @Sendable () -> Duration

    /// Between two lines about a file that is gone.
    private static let linesEvery = Duration.seconds(60)
    /// A file is looked for so long after it was found to be gone, or another one, before that is believed.
    private static let pause = Duration.seconds(1)

    func run() async throws {
        standing()
        try await cancelWhenGracefulShutdown {
            var seen = -1
            var released = -1
            var said: Duration?
            while !Task.isCancelled {
                _ = try? await store.answers()
                heartbeat.beat()
                try await look(&said)
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

    private func look(_ said: inout Duration?) async throws {
        guard store.whereabouts != .there else { return said = nil }
        do { try await Task.sleep(for: Self.pause) } catch { return }
        switch store.whereabouts {
        case .there: said = nil
        case .replaced:
            throw StorageError(
                .replaced, cannot: "go on with", store.path, because: "another file has its name now",
                remedy: "Start again, on the file that is there; a unit is started again by systemd.")
        case .gone:
            if let said, monotonic() - said < Self.linesEvery { return }
            said = monotonic()
            logger.error(
                "the database is gone: nothing that is counted now is kept",
                metadata: [
                    "message_id": "\(MessageID.databaseGone)", "database": "\(store.path)",
                    "remedy": "put it back under its name, or stop this daemon",
                ])
        }
    }
}
