import Foundation
import GRDB
import Scheduling
import Testing

@testable import Storage

@Suite struct DatabaseFiguresTests {
    private func fill(_ sample: SampleDatabase, _ rows: Int) throws {
        try sample.execute(
            """
            WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < \(rows))
            INSERT INTO audit_logs (id, user_id, action, resource_type)
            SELECT printf('a%d', n), 'u', 'x', 'y' FROM number
            """)
    }

    @Test func `few rows are counted exactly, gaps or not`() async throws {
        let sample = try SampleDatabase()
        try fill(sample, 900)
        try sample.execute("DELETE FROM audit_logs WHERE rowid % 3 = 0")
        let figures = try await DatabaseFigures.read(try sample.store())
        #expect(figures.tableRows["audit_logs"] == 600)
        #expect(figures.tableRows["conversations"] == 0)
    }

    @Test func `many rows are never estimated too low, and exactly as long as none was deleted in between`()
        async throws
    {
        let sample = try SampleDatabase()
        try fill(sample, 5_000)
        let store = try sample.store()
        #expect(try await DatabaseFigures.read(store).tableRows["audit_logs"] == 5_000)
        try sample.execute("DELETE FROM audit_logs WHERE rowid <= 2000")
        #expect(try await DatabaseFigures.read(store).tableRows["audit_logs"] == 3_000)
        try sample.execute("DELETE FROM audit_logs WHERE rowid BETWEEN 3000 AND 3099")
        #expect(try await DatabaseFigures.read(store).tableRows["audit_logs"] == 3_000)
    }

    @Test func `ids at both ends of what there is overflow nothing`() async throws {
        let sample = try SampleDatabase()
        try sample.insert(id: .min)
        try sample.insert(id: .max)
        #expect(try await DatabaseFigures.read(try sample.store()).tableRows["usage_logs"] == .max)
    }

    @Test func `neither a span nor a window nor a name is found by a scan`() async throws {
        let sample = try SampleDatabase()
        for sql in [
            "SELECT MIN(rowid) FROM usage_logs", "SELECT MAX(rowid) FROM usage_logs",
            "SELECT id, user_id FROM usage_logs WHERE id > 5 AND id < 10 ORDER BY id DESC LIMIT 3",
            "SELECT MAX(timestamp) FROM system_metrics WHERE metric_name = 'a'",
            "SELECT MAX(id) FROM system_metrics", "SELECT MAX(timestamp) FROM system_metrics",
        ] + MetricsReading.parts.map(MetricsReading.sql) + [MetricsReport.namesSQL] {
            let plan = try sample.rows("EXPLAIN QUERY PLAN " + sql.replacing(/\?\d?/, with: "'5'"))
            #expect(!plan.isEmpty)
            for step in plan.compactMap({ String.fromDatabaseValue($0[3]) }) {
                // The recursion's own queue is scanned; a lone MIN or MAX is said to be a search.
                #expect(!step.hasPrefix("SCAN") || step == "SCAN step", "\(sql): \(step)")
                #expect(!step.contains("TEMP B-TREE"), "\(sql): \(step)")
            }
        }
    }

    @Test func `what has grown is the difference of two readings`() async throws {
        let sample = try SampleDatabase()
        let store = try sample.store()
        let before = try await DatabaseFigures.read(store)
        try fill(sample, 20_000)
        try await MetricsStore.writing(
            [MetricRow(name: "a", value: 1, unit: "1", tags: [:])], at: Instant(milliseconds: 0)
        ).perform(in: store)
        let after = try await DatabaseFigures.read(store)
        #expect(before.rows(since: nil).allSatisfy { $0.name != "db.sqlite.growth" && $0.name != "tallyd.lock.writes" })
        let rows = after.rows(since: before)
        let grown = rows.first { $0.name == "db.sqlite.growth" && $0.tags == ["db.sqlite.part": "file"] }
        #expect(grown?.value == Double(after.fileBytes - before.fileBytes))
        #expect((grown?.value ?? 0) > 100_000)
        #expect(rows.first { $0.name == "tallyd.lock.writes" }?.value == 1)
        #expect((rows.first { $0.name == "tallyd.lock.hold_time" }?.value ?? 0) > 0)
        let free: Int64? = try sample.value("PRAGMA freelist_count")
        #expect(after.freelistBytes == (free ?? -1) * 4_096)
    }

    @Test func `a table that is missing or has no ids is left out`() async throws {
        let sample = try SampleDatabase()
        try sample.execute(
            "DROP TABLE feature_flags; CREATE TABLE feature_flags (flag_name TEXT PRIMARY KEY) WITHOUT ROWID")
        try sample.execute("DROP TABLE webhooks")
        let figures = try await DatabaseFigures.read(try sample.store())
        #expect(figures.tableRows["feature_flags"] == nil)
        #expect(figures.tableRows["webhooks"] == nil)
        #expect(figures.tableRows.count == DatabaseFigures.tables.count - 2)
    }
}
