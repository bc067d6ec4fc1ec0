import Logging
import Scheduling
import Storage
import Systemd
import UnixSignals

/// Waits until no other tallyd counts in a database, or until the one that does has not been heard of for too long.
struct Standby: Sendable {
    let database: String
    let command: String
    let outside: Daemon.Surroundings
    /// Called at every look, since a standby has to earn its watchdog pings as well.
    let beat: @Sendable () -> Void

    /// How often a standby looks: so long after a clean stop, or a crash, it goes on at the latest. A look is four system calls.
    static let interval = Duration.milliseconds(200)

    /// - Returns: the lock, or nil when asked to stop meanwhile, be it by SIGTERM or SIGINT: no service runs yet that would see them.
    /// - Throws: `StorageError` for whatever isn't cured by waiting.
    func wait() async throws -> OwnerLock? {
        try await withThrowingTaskGroup(of: OwnerLock?.self) { group in
            let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
            group.addTask { try await look() }
            group.addTask {
                var iterator = signals.makeAsyncIterator()
                guard let signal = await iterator.next() else { return nil }
                outside.notifier.notify([.stopping])
                outside.logger.notice(
                    "stopped", metadata: ["message_id": "\(MessageID.stopped)", "signal": "\(signal)"])
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }

    private func look() async throws -> OwnerLock? {
        var observer = LeaseObserver()
        var isSaid = false
        while !Task.isCancelled {
            beat()
            do {
                return try Ownership.lock(database, command: command)
            } catch let error as StorageError where error.kind == .ownedByAnother {
                if observer.isExpired(database: database, monotonic: outside.monotonic()) {
                    outside.logger.warning(
                        "taking over: the other tallyd has not renewed its lease",
                        metadata: [
                            "message_id": "\(MessageID.leaseTaken)", "holder": "\(error.cause)",
                            "validity_s": "\(LeaseObserver.validity.components.seconds)",
                        ])
                    return try OwnerLock(succeedingIn: database, description: Ownership.name(command))
                }
                if !isSaid {
                    outside.logger.notice(
                        "standing by: another tallyd counts in this database", metadata: ["holder": "\(error.cause)"])
                    // A standby is a service in good order: ready to take over.
                    outside.notifier.notify([.ready, .status("standing by: \(error.cause)")])
                    isSaid = true
                }
                try? await Task.sleep(for: Self.interval)
            }
        }
        return nil
    }
}
