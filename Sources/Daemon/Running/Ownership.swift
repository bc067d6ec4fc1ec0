import Foundation
package import Scheduling
package import Storage

/// The right to count in a database: the operating system's lock, for as long as this value lives, and the term that fences every write.
package struct Ownership: Sendable {
    package let term: Term
    /// Runs that a crash had cut, found and recorded now.
    package let crashedRuns: Int
    package let lock: OwnerLock

    /// Takes the lock, then the term, which is a write.
    ///
    /// - Parameter command: what runs, for whoever finds the lock taken: `tallyd rollup run`.
    /// - Throws: `StorageError` of kind `ownedByAnother`, naming who has it.
    package static func take(_ store: Store, command: String, now: Instant) async throws -> Ownership {
        try await take(store, lock: lock(store.path, command: command), command: command, now: now)
    }

    /// The term, for a lock that is held already: a daemon migrates between the two.
    package static func take(_ store: Store, lock: OwnerLock, command: String, now: Instant) async throws -> Ownership {
        let term = try await Term.take(store, holder: name(command), now: now)
        let crashed = try await JobLedger(store: store, term: term).recordCrashes(now: now)
        return Ownership(term: term, crashedRuns: crashed, lock: lock)
    }

    package static func lock(_ database: String, command: String) throws -> OwnerLock {
        try OwnerLock(database: database, description: name(command))
    }

    /// What a daemon is called that delivers no webhooks, as TALLYD_WEBHOOKS says.
    static let runWithoutWebhooks = "tallyd run without webhooks"
    static let run = "tallyd run"

    /// Who delivers a database's webhooks, by what the process wrote that holds its lock.
    package enum Deliverer: Equatable {
        /// A daemon.
        case running
        /// A daemon that was told not to.
        case switchedOff
        /// Something else holds the lock, and a daemon waits for it.
        case another(String)
        case nobody

        package init(holder: String?) {
            guard let holder else {
                self = .nobody
                return
            }
            switch holder.prefix(while: { $0 != "," }) {
            case run: self = .running
            case runWithoutWebhooks: self = .switchedOff
            default: self = .another(holder)
            }
        }

        package static func of(database: String) -> Deliverer {
            Deliverer(holder: OwnerLock.holder(database: database))
        }
    }

    package static func name(_ command: String) -> String { "\(command), process \(getpid())" }
}
