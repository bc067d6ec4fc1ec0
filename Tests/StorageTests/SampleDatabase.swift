import Foundation
import GRDB
import Migrations
import Scheduling
import Storage
import TestSupport

/// A database of a test's own, in a folder of its own, gone with the value. Made by copying one that was migrated once.
final class SampleDatabase: Sendable {
    private let scratch: ScratchFolder
    var folder: URL { scratch.url }
    let path: String
    /// The gateway: another connection with its own SQL, as the contract says it writes.
    let gateway: DatabaseQueue

    init() throws {
        scratch = try ScratchFolder(for: "test")
        path = scratch.path()
        try Self.template.get().write(to: URL(filePath: path))
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA journal_mode = WAL")
            try db.execute(sql: "PRAGMA synchronous = OFF")  // no test here is about the loss of power
        }
        gateway = try DatabaseQueue(path: path, configuration: configuration)
    }

    deinit {
        try? gateway.close()
    }

    /// A file with all migrations, and without a log.
    private static let template: Result<Data, any Error> = Result {
        let scratch = try ScratchFolder(for: "template")
        let path = scratch.path()
        let queue = try DatabaseQueue(path: path)
        try queue.writeWithoutTransaction { db in
            for file in MigrationFile.all { try db.execute(sql: file.sql) }
            try db.execute(sql: "DELETE FROM model_pricing")
            try db.execute(sql: "DELETE FROM model_price_book")
            try db.execute(
                sql: """
                    INSERT INTO model_pricing (id, model, provider, prompt_cost_per_1k, completion_cost_per_1k)
                    VALUES ('p1', 'alpha', 'test', 0.00015, 0.0006), ('p2', 'beta', 'test', 0.003, 0.0150001)
                    """)
        }
        try queue.close()
        return try Data(contentsOf: URL(filePath: path))
    }

    func execute(_ sql: String, _ arguments: StatementArguments = []) throws {
        try gateway.writeWithoutTransaction { db in try db.execute(sql: sql, arguments: arguments) }
    }

    func value<T: DatabaseValueConvertible & Sendable>(_ sql: String, _ arguments: StatementArguments = []) throws -> T?
    {
        try gateway.read { db in try T.fetchOne(db, sql: sql, arguments: arguments) }
    }

    func rows(_ sql: String) throws -> [[DatabaseValue]] {
        try gateway.read { db in try Row.fetchAll(db, sql: sql).map { Array($0.databaseValues) } }
    }

    /// A usage row as the gateway writes it. Returns its id.
    @discardableResult
    func insert(
        user: any DatabaseValueConvertible = "u", model: any DatabaseValueConvertible = "alpha",
        input: any DatabaseValueConvertible = 10,
        output: any DatabaseValueConvertible = 5, total: any DatabaseValueConvertible = 0,
        cost: any DatabaseValueConvertible = 0.5,
        latency: any DatabaseValueConvertible = 100, status: String = "success",
        at: any DatabaseValueConvertible = "2026-11-20T10:00:00.000Z", id: Int64? = nil
    ) throws -> Int64 {
        try gateway.writeWithoutTransaction { db in
            try db.execute(
                sql: """
                    INSERT INTO usage_logs (
                      id, user_id, request_id, model, input_tokens, output_tokens, total_tokens, cost, latency, status, created_at
                    )
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [id, user, UUID().uuidString, model, input, output, total, cost, latency, status, at])
            return db.lastInsertedRowID
        }
    }

    func store(steps: Allowance.Steps? = nil, prepare: Store.Preparation? = nil) throws -> Store {
        try Store(path: path, steps: steps, prepare: prepare)
    }

    func rollup(zone: Zone = .utc, limits: Rollup.Limits = Rollup.Limits()) throws -> Rollup {
        Rollup(store: try store(), zone: zone, limits: limits) {
            Instant(iso8601: "2026-11-24T00:00:00Z") ?? Instant(milliseconds: 0)
        }
    }
}
