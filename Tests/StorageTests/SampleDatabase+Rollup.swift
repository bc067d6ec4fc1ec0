import Foundation
import GRDB
import Scheduling
import Storage
import TestSupport
import Testing

extension SampleDatabase {
    /// Rolls everything up, as of a moment of the wall clock.
    @discardableResult
    func rollUp(zone: Zone = .utc, now: String = "2026-11-24T00:00:00Z") async throws -> Rollup.Outcome {
        let instant = try #require(Instant(iso8601: now))
        return try await Rollup(store: try store(), zone: zone) { instant }.run()
    }

    /// Another program's connection, which may keep a transaction open.
    func rival() throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    func totals() throws -> [Oracle.Key: Oracle.Total] {
        try gateway.read { db in try Oracle.stored(db) }
    }

    /// The stored total of one key.
    func total(_ date: String = "2026-11-20", user: String = "u", model: String = "alpha") throws -> Oracle.Total? {
        try totals()[Oracle.Key(date: date, user: user, model: model)]
    }

    /// `date: requests`, for tests in which only the day matters.
    func requestsByDate() throws -> [String: Int] {
        try totals().reduce(into: [:]) { $0[$1.key.date, default: 0] += $1.value.requests }
    }

    func rejects() throws -> [Int64: String] {
        try rows("SELECT row_id, reason FROM usage_rejects").reduce(into: [:]) { found, row in
            if let id = Int64.fromDatabaseValue(row[0]) { found[id] = String.fromDatabaseValue(row[1]) }
        }
    }

    /// Inserts a row and tells the oracle of it.
    @discardableResult
    func insert(_ row: Oracle.Row, at time: any DatabaseValueConvertible, into oracle: inout Oracle) throws -> Int64 {
        let id = try insert(
            user: row.user, model: row.model, input: row.input, output: row.output, total: row.total,
            cost: Double(row.costNanos) / 1e9, latency: row.latency, status: row.success ? "success" : "error", at: time
        )
        oracle.rows[id] = row
        return id
    }

    /// Seeded usage of a few days, users and models; the oracle is told. About one row in four has no price or no cost.
    func fill(_ count: Int, seed: UInt64, into oracle: inout Oracle) throws {
        var random = SplitMix64(seed: seed)
        func pick(_ range: ClosedRange<Int64>) -> Int64 { Int64.random(in: range, using: &random) }
        for _ in 0..<count {
            let day = pick(10...20)
            let row = Oracle.Row(
                user: "user \(pick(0...5))", model: ["alpha", "beta", "gamma"][Int(pick(0...2))],
                input: pick(0...3_000),
                output: pick(0...900), total: pick(0...3) == 0 ? pick(0...6_000) : 0,
                costNanos: pick(0...1) == 0 ? pick(1...3_000_000_000) : 0, latency: pick(0...90_000),
                success: pick(0...9) > 0, date: "2026-11-\(day)")
            let clock = [pick(10...23), pick(10...59), pick(10...59)].map(String.init).joined(separator: ":")
            let time = pick(0...1) == 0 ? "2026-11-\(day)T\(clock).250Z" : "2026-11-\(day) \(clock)"
            try insert(row, at: time, into: &oracle)
        }
    }
}

/// Expects an error of the store's of one kind, and returns it.
@discardableResult
func expectStorageError<T>(
    _ kind: StorageError.Kind, sourceLocation: SourceLocation = #_sourceLocation, _ work: () async throws -> T
) async -> StorageError? {
    do {
        _ = try await work()
        Issue.record("no error where \(kind) was expected", sourceLocation: sourceLocation)
    } catch let error as StorageError {
        #expect(error.kind == kind, "\(error)", sourceLocation: sourceLocation)
        #expect(!error.cause.isEmpty && !error.remedy.isEmpty, sourceLocation: sourceLocation)
        return error
    } catch {
        Issue.record("\(error) where \(kind) was expected", sourceLocation: sourceLocation)
    }
    return nil
}
