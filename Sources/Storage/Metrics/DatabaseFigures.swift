import Foundation
import GRDB

/// How large the database is, and what this program's writes cost it: from one snapshot of a few dozen page reads, without a scan.
package struct DatabaseFigures: Sendable, Equatable {
    /// The database in bytes, what still lies in the write-ahead log included.
    package let fileBytes: Int64
    package let walBytes: Int64
    /// Pages that are free for reuse, in bytes; they lie within the database.
    package let freelistBytes: Int64
    /// By table; see `rows(of:in:)`.
    package let tableRows: [String: Int64]
    package let writer: PoliteWriter.Totals

    /// Ids that span so few are counted: that reads fewer pages than it takes to look up the span in an index.
    static let exactSpan = 1_000

    /// The tables that grow: the contract's, and of ours those with a row an event.
    static let tables = [
        "usage_logs", "daily_usage_stats", "rate_limits", "api_keys", "user_sessions", "user_preferences",
        "conversations", "messages", "webhooks", "audit_logs", "system_metrics", "feature_flags", "model_pricing",
        "usage_changes", "usage_rejects", "job_runs",
    ]

    package static func read(_ store: Store) async throws -> DatabaseFigures {
        let path = store.path
        let writer = store.writer.totals
        return try await store.read("measure", on: 1) { db in
            let pageSize = try number(db, "PRAGMA page_size")
            // A table that its owner made without rowids has no span.
            let present = try Set(
                String.fetchAll(
                    db.cachedStatement(
                        sql: "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND wr = 0")))
            var counts: [String: Int64] = [:]
            for table in tables where present.contains(table) { counts[table] = try rows(of: table, in: db) }
            return DatabaseFigures(
                fileBytes: try number(db, "PRAGMA page_count") * pageSize,
                walBytes: size(path + "-wal"),
                freelistBytes: try number(db, "PRAGMA freelist_count") * pageSize,
                tableRows: counts,
                writer: writer)
        }
    }

    /// Rows of a table: exact where its ids span `exactSpan` or fewer, else that span. It's too high by the rows that were deleted between
    /// the lowest id and the highest, and by ids that an import left out; never too low.
    static func rows(of table: String, in db: Database) throws -> Int64 {
        // Two statements: SQLite answers a lone MIN or MAX by one step in the tree, and both at once by a scan
        // (sqlite.org/optoverview.html, section 13).
        let lowest = try Int64.fetchOne(db.cachedStatement(sql: "SELECT MIN(rowid) FROM \(table)"))
        let highest = try Int64.fetchOne(db.cachedStatement(sql: "SELECT MAX(rowid) FROM \(table)"))
        guard let lowest, let highest else { return 0 }
        let (span, isBeyond) = highest.subtractingReportingOverflow(lowest)
        guard !isBeyond, span < .max else { return .max }
        return span < Int64(exactSpan) ? try number(db, "SELECT COUNT(*) FROM \(table)") : span + 1
    }

    /// - Parameter previous: the reading before, by the same process; without one there are states only.
    package func rows(since previous: DatabaseFigures?) -> [MetricRow] {
        let parts: [(String, Int64, Int64?)] = [
            ("file", fileBytes, previous?.fileBytes), ("wal", walBytes, previous?.walBytes),
            ("freelist", freelistBytes, previous?.freelistBytes),
        ]
        var rows: [MetricRow] = []
        for (part, bytes, before) in parts {
            rows.append(MetricRow(.size, Double(bytes), [MetricRow.Tag.part: part]))
            if let before { rows.append(MetricRow(.growth, Double(bytes - before), [MetricRow.Tag.part: part])) }
        }
        for (table, count) in tableRows.sorted(by: { $0.key < $1.key }) {
            rows.append(MetricRow(.tableRows, Double(count), [MetricRow.Tag.table: table]))
        }
        rows.append(MetricRow(.longestHold, seconds(writer.longestHoldNanoseconds)))
        guard let before = previous?.writer, before.writes <= writer.writes else { return rows }
        return rows + [
            MetricRow(.writes, Double(writer.writes - before.writes)),
            MetricRow(.holdTime, seconds(writer.holdNanoseconds &- before.holdNanoseconds)),
            MetricRow(.lostRaces, Double(writer.lostRaces - before.lostRaces)),
            MetricRow(.waitTime, seconds(writer.waitNanoseconds &- before.waitNanoseconds)),
            MetricRow(.walPages, Double(writer.pages - before.pages)),
            MetricRow(.checkpoints, Double(writer.checkpoints - before.checkpoints)),
        ]
    }

    private func seconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1e9 }

    private static func number(_ db: Database, _ sql: String) throws -> Int64 {
        try Int64.fetchOne(db.cachedStatement(sql: sql)) ?? 0
    }

    private static func size(_ path: String) -> Int64 {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.size] as? NSNumber)?.int64Value ?? 0
    }
}
