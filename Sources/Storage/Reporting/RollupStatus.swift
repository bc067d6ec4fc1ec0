import Foundation
import GRDB
package import Scheduling

/// Where the rollup stands, from one snapshot and without reading usage rows one by one.
package struct RollupStatus: Sendable, Equatable {
    package let cursor: Int64
    package let lastID: Int64
    package let isInBatch: Bool
    package let zone: String?
    /// An upper bound, by ids: rows not counted yet.
    package let lagRows: Int64
    /// When the oldest row that is not counted yet says it was made; nil when there is none or its time can't be read.
    package let oldestUncounted: Instant?
    /// The newest day that has totals.
    package let newestDay: Day?
    package let pendingCorrections: Int64
    package let markedDays: [Day]
    /// Rows set aside, by reason.
    package let rejects: [String: Int64]
    /// Days no longer open, by state.
    package let closedDays: [String: Int]
    package let updatedAt: Instant?
    package let space: FileSpace
    package let walBytes: Int64

    package static func read(_ store: Store) async throws -> RollupStatus {
        let path = store.path
        return try await store.read("read the status of") { db in
            let state = try RollupState.read(db)
            let last = try Int64.fetchOne(db, sql: "SELECT MAX(id) FROM usage_logs") ?? 0
            let first = try Int64.fetchOne(
                db, sql: "SELECT MIN(id) FROM usage_logs WHERE id > ?", arguments: [state.cursor])
            let updated = try Int64.fetchOne(db, sql: "SELECT updated_at_ms FROM rollup_state WHERE id = 1") ?? 0
            let dates = try String.fetchAll(db, sql: "SELECT date FROM rollup_dirty_days ORDER BY date")
            return RollupStatus(
                cursor: state.cursor,
                lastID: last,
                isInBatch: state.isInBatch,
                zone: state.zone,
                lagRows: first.map { last - $0 + 1 } ?? 0,
                oldestUncounted: try first.flatMap { try createdAt(db, $0) },
                newestDay: try String.fetchOne(db, sql: "SELECT MAX(date) FROM daily_usage_stats").flatMap { Day($0) },
                pendingCorrections: try Int64.fetchOne(db, sql: "SELECT COUNT(*) FROM usage_changes") ?? 0,
                markedDays: dates.compactMap { Day($0) },
                rejects: try counts(db, "SELECT reason, COUNT(*) FROM usage_rejects GROUP BY reason"),
                closedDays: try counts(db, "SELECT state, COUNT(*) FROM usage_days GROUP BY state").mapValues {
                    Int($0)
                },
                updatedAt: updated > 0 ? Instant(milliseconds: updated) : nil,
                space: try FileSpace.read(db),
                walBytes: size(path + "-wal"))
        }
    }

    private static func createdAt(_ db: Database, _ id: Int64) throws -> Instant? {
        let statement = try RawStatement(db, "SELECT created_at FROM usage_logs WHERE id = ?1")
        defer { statement.reset() }
        statement.bind(id, at: 1)
        return try statement.step() ? UsageAccumulator.instant(statement.handle, 0) : nil
    }

    private static func counts(_ db: Database, _ sql: String) throws -> [String: Int64] {
        let rows = try Row.fetchAll(db, sql: sql)
        return Dictionary(rows.map { ($0[0] as String, $0[1] as Int64) }, uniquingKeysWith: +)
    }

    private static func size(_ path: String) -> Int64 {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.size] as? NSNumber)?.int64Value ?? 0
    }
}

/// A usage row that was set aside, for `tallyd rollup rejects`.
package struct RejectedRow: Sendable, Equatable {
    package let rowID: Int64
    package let reason: RejectReason
    package let detail: String
    package let rejectedAt: Instant

    /// The newest first.
    package static func read(_ store: Store, limit: Int) async throws -> [RejectedRow] {
        try await store.read("read the rejects of") { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT row_id, reason, detail, rejected_at_ms
                    FROM usage_rejects
                    ORDER BY row_id DESC
                    LIMIT ?
                    """,
                arguments: [limit]
            ).compactMap { row in
                RejectReason(rawValue: row[1]).map {
                    RejectedRow(rowID: row[0], reason: $0, detail: row[2], rejectedAt: Instant(milliseconds: row[3]))
                }
            }
        }
    }
}
