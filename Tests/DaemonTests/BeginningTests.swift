import Foundation
import GRDB
import Scheduling
import Synchronization
import Systemd
import TestSupport
import Testing

@testable import Daemon
@testable import Storage

struct BeginningTests {
    @Test func `however long another program holds the lock, it is waited for`() async throws {
        let folder = try ScratchFolder(for: "beginning")
        let path = folder.path()
        _ = try await Migrator(store: try Store.creating(path: path)).migrate { _ in }
        // Its patience is over in a moment, again and again.
        let store = try Store(path: path, pace: Pace(patience: .milliseconds(20)))
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let other = try DatabaseQueue(path: path, configuration: configuration)
        try await other.writeWithoutTransaction { db in try db.execute(sql: "BEGIN IMMEDIATE") }
        let tries = Mutex(0)
        let beginning = Beginning(
            outside: Daemon.Surroundings(
                environment: [:], notifier: Silence(), logger: .quiet, now: DeliveringDaemon.now))
        let taking = Task {
            try await beginning.whateverHoldsTheLock {
                tries.withLock { $0 += 1 }
                return try await Term.take(store, holder: "one", now: DeliveringDaemon.now())
            }
        }
        while tries.withLock({ $0 }) < 5 { try await Task.sleep(for: .milliseconds(5)) }
        try await other.writeWithoutTransaction { db in try db.execute(sql: "ROLLBACK") }
        #expect(try await taking.value.number == 1)
    }

    private struct Silence: ServiceNotifier {
        func notify(_ states: [ServiceState]) {}
    }
}
