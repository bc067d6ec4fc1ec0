import Logging
import Scheduling
import Storage
import Synchronization
import Systemd
import UnixSignals

/// What a daemon does before its services run, which are the ones that see a signal later.
struct Beginning: Sendable {
    let outside: Daemon.Surroundings

    private enum End<T: Sendable>: Sendable {
        case done(T)
        /// SIGTERM or SIGINT came.
        case stopped
    }

    /// Nil when asked to stop meanwhile, by a signal or by the task's cancellation.
    func untilStopped<T: Sendable>(_ work: @escaping @Sendable () async throws -> T) async throws -> T? {
        do {
            return try await withThrowingTaskGroup(of: End<T>?.self) { group in
                let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
                group.addTask { .done(try await work()) }
                group.addTask { await signal(in: signals) }
                let first = try await group.next() ?? nil
                group.cancelAll()
                guard case .done(let result) = first else { return nil }
                // A signal that came last has been taken from the services: it is a stop all the same.
                if case .stopped = try await group.next() ?? nil { return nil }
                return result
            }
        } catch is CancellationError {
            return nil
        }
    }

    private func signal<T>(in signals: UnixSignalsSequence) async -> End<T>? {
        var iterator = signals.makeAsyncIterator()
        guard let signal = await iterator.next() else { return nil }
        outside.notifier.notify([.stopping])
        outside.logger.notice("stopped", metadata: ["message_id": "\(MessageID.stopped)", "signal": "\(signal)"])
        return .stopped
    }

    /// Does it again for as long as another program holds the database's write lock, however long that is: a daemon that gives up is started again, and
    /// given up in the end by its manager.
    func whateverHoldsTheLock<T: Sendable>(_ work: () async throws -> T) async throws -> T {
        let notice = WaitNotice(notifier: outside.notifier, monotonic: outside.monotonic)
        return try await LockWait.hearing(notice.note) {
            while true {
                do {
                    return try await work()
                } catch let error as StorageError where error.kind == .locked {
                    outside.logger.warning(
                        "waiting to begin: another program holds the database's write lock",
                        metadata: ["message_id": "\(MessageID.lockAwaited)", "error": "\(error)"])
                }
            }
        }
    }
}

/// Tells the manager, every few seconds, that the start takes longer because of a lock.
private final class WaitNotice: Sendable {
    private let notifier: any ServiceNotifier
    private let monotonic: @Sendable () -> Duration
    private let last = Mutex<Duration?>(nil)

    /// Well within what is asked for each time, and a few datagrams a minute.
    private static let interval = Duration.seconds(5)
    private static let extended = Duration.seconds(60)

    init(notifier: any ServiceNotifier, monotonic: @escaping @Sendable () -> Duration) {
        self.notifier = notifier
        self.monotonic = monotonic
    }

    @Sendable func note() {
        let now = monotonic()
        let isDue = last.withLock { last in
            if let last, now - last < Self.interval { return false }
            last = now
            return true
        }
        guard isDue else { return }
        notifier.notify([
            .status("waiting for the database: another program holds its write lock"), .extendTimeout(Self.extended),
        ])
    }
}
