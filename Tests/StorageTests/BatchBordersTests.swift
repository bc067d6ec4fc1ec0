import GRDB
import Scheduling
import Testing

@testable import Storage

/// Where the batches of a large claim end. A wrong border costs pages, never a total; the histories show that.
@Suite struct `Batch borders` {
    /// A claim on everything, of as many rows as it takes for borders to matter: 20,000 a day.
    private func borders(_ sample: SampleDatabase, cursor: Int64 = 0) throws -> BatchBorders {
        let last: Int64 = try sample.value("SELECT MAX(id) FROM usage_logs") ?? 0
        return try sample.gateway.read { db in
            var state = try RollupState.read(db)
            state.cursor = cursor
            state.claim = last
            return try BatchBorders.read(db, state)
        }
    }

    private func fill(_ sample: SampleDatabase, days: [String]) throws {
        for day in days {
            try sample.execute(
                """
                WITH RECURSIVE number(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n < 19999)
                INSERT INTO usage_logs (user_id, request_id, model, created_at)
                SELECT 'u', ?1 || n, 'alpha',
                       strftime(CASE n % 2 WHEN 0 THEN '%Y-%m-%d %H:%M:%S' ELSE '%Y-%m-%dT%H:%M:%S.000Z' END, ?1,
                                (n * 4) || ' seconds')
                FROM number
                """, [day])
        }
    }

    private static let days = ["2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23"]

    @Test func `they lie between days, in both forms of the time`() throws {
        let sample = try SampleDatabase()
        try fill(sample, days: Self.days)
        let borders = try borders(sample)
        #expect(borders.next(after: 0) == 20_000)
        #expect(borders.next(after: 20_000) == 40_000)
        #expect(borders.next(after: 59_999) == 60_000)
        #expect(borders.next(after: 60_000) == nil)
        #expect(borders.end(after: 0, claim: 80_000) == 60_000, "the newest day is a batch of its own")
        #expect(borders.end(after: 60_000, claim: 80_000) == 80_000)
    }

    @Test func `those below the cursor are none`() throws {
        let sample = try SampleDatabase()
        try fill(sample, days: Self.days)
        #expect(try borders(sample, cursor: 25_000).next(after: 0) == 40_000)
        #expect(try borders(sample, cursor: 60_000).next(after: 0) == nil, "a claim of one batch has none")
    }

    @Test func `a day's earliest row that came late moves no other border`() throws {
        let sample = try SampleDatabase()
        try fill(sample, days: Self.days)
        try sample.execute("UPDATE usage_logs SET created_at = '2026-11-21' WHERE id = 70000")
        let borders = try borders(sample)
        #expect(borders.next(after: 0) == 40_000)
        #expect(borders.next(after: 40_000) == 60_000)
    }

    @Test(arguments: [
        "UPDATE usage_logs SET created_at = 1795000000 WHERE id = 80000",
        "UPDATE usage_logs SET created_at = NULL WHERE id = 80000",
        "DROP INDEX idx_usage_logs_created_at",
    ])
    func `where times say nothing, or there is no index on them, there are none`(sql: String) throws {
        let sample = try SampleDatabase()
        try fill(sample, days: Self.days)
        try sample.execute(sql)
        #expect(try borders(sample).next(after: 0) == nil)
    }

    @Test func `a batch ends at a border when nearly full, and anywhere when overfull`() {
        let borders = BatchBorders([100, 200])
        #expect(!borders.ends(at: 100, keys: 93, full: 100))
        #expect(borders.ends(at: 100, keys: 94, full: 100))
        #expect(!borders.ends(at: 150, keys: 111, full: 100))
        #expect(borders.ends(at: 150, keys: 113, full: 100))
        #expect(!borders.ends(at: 150, keys: .max - 1, full: .max), "it goes on after a crash, to where it ended")
        #expect(BatchBorders([]).ends(at: 150, keys: 100, full: 100))
    }
}
