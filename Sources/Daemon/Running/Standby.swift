import Logging
import Scheduling
import Storage
import Systemd

/// Waits until no other tallyd counts in a database, or until the one that does has not been heard of for too long.
struct Standby: Sendable {
    let database: String
    let command: String
    let outside: Daemon.Surroundings
    /// Called at every look, since a standby has to earn its watchdog pings as well.
    let beat: @Sendable () -> Void

    /// How often a standby looks: so long after a clean stop, or a crash, it goes on at the latest. A look is four system calls.
    static let interval = Duration.milliseconds(200)

    /// - Throws: `StorageError` for whatever isn't cured by waiting; `CancellationError`.
    func wait() async throws -> OwnerLock {
        var observer = LeaseObserver()
        var isSaid = false
        while true {
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
                try await Task.sleep(for: Self.interval)
            }
        }
    }
}
