import Foundation
import GRDB
import Migrations
import Storage
import TestSupport

/// The databases that are made in it.
extension ScratchFolder {
    /// Runs the texts, one after the other, on a database (a new one where there is none), and closes it: nothing is left in a -wal.
    ///
    /// - Parameter journal: `WAL`, as the contract says of gateways, unless a test is about something else.
    @discardableResult
    func make(named name: String = "usage.db", journal: String = "WAL", _ texts: String...) throws -> String {
        let queue = try open(path(name))
        try queue.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA journal_mode = \(journal)")
            for text in texts { try db.execute(sql: text) }
        }
        try queue.close()
        return path(name)
    }

    /// A copy of a closed database.
    func copy(_ path: String, as name: String) throws -> String {
        try? FileManager.default.removeItem(atPath: self.path(name))
        try FileManager.default.copyItem(atPath: path, toPath: self.path(name))
        return self.path(name)
    }
}

/// With a busy timeout: a store's last connection closes a moment after the last reference to it is gone, and locks the file for it.
private func open(_ path: String) throws -> DatabaseQueue {
    var configuration = Configuration()
    configuration.busyMode = .timeout(5)
    return try DatabaseQueue(path: path, configuration: configuration)
}

/// Reads with a connection that is closed again, as a gateway's own tool would.
func reading<T>(_ path: String, _ work: (Database) throws -> T) throws -> T {
    let queue = try open(path)
    defer { try? queue.close() }
    return try queue.read(work)
}

/// The one number that a query answers.
func value(_ query: String, in path: String) throws -> Int? {
    try reading(path) { db in try Int.fetchOne(db, sql: query) }
}

/// Writes with a connection that stays open for the work alone. Foreign keys are on, as the contract's gateway has them.
func writing(_ path: String, _ work: (Database) throws -> Void) throws {
    let queue = try open(path)
    defer { try? queue.close() }
    try queue.writeWithoutTransaction(work)
}

/// Migrates with a store that is gone when this returns.
@discardableResult
func migrate(
    _ path: String, files: [MigrationFile] = MigrationFile.all, environment: DeploymentEnvironment? = nil
) async throws -> [String] {
    try await Migrator(store: try Store.creating(path: path), files: files).migrate(environment: environment)
}
