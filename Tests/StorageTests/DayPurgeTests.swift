import GRDB
import Scheduling
import Storage
import Synchronization
import Testing

/// How one sealed day's rows go; what a whole run removes is in `RetentionTests`.
@Suite struct DayPurgeTests {
    @Test func `bites in a row remove each row once, and a stop is heard between two of them`() async throws {
        let sample = try SampleDatabase()
        var oracle = Oracle()
        try sample.fill(4_000, seed: 3, into: &oracle)
        try await sample.rollUp()
        let day = try #require(Day("2026-11-12"))
        let now = try #require(Instant(iso8601: "2026-11-21T12:00:00Z"))
        let left = "SELECT COUNT(*) FROM usage_logs WHERE substr(created_at, 1, 10) = '2026-11-12'"
        let rows: Int = try sample.value(left) ?? 0
        // Each bite ends after its first stretch of neighbours.
        let store = try Store(path: sample.path, pace: Pace(hold: .microseconds(1)))
        #expect(try await DaySealing(store: store, zone: .utc).seal(day, now: now) == nil)
        let purge = DayPurge(store: store, zone: .utc)
        let asked = Mutex(0)
        let first = try await purge.purge(day, DayPurge.Terms(now: now, run: "1")) {
            asked.withLock { asked in
                asked += 1
                return asked > 4
            }
        }
        #expect(!first.isComplete && first.removed > 0)
        #expect(try sample.value(left) == rows - first.removed)
        let writes = store.writer.totals.writes
        let rest = try await purge.purge(day, DayPurge.Terms(now: now, run: "2"))
        #expect(rest.isComplete && rest.removed + first.removed == rows && rest.kept == 0)
        // Eight in a row, and the one that closes the day.
        #expect(store.writer.totals.writes - writes > 9)
        #expect(try sample.value(left) == 0)
        let audited = try sample.rows(
            "SELECT json_extract(metadata, '$.rows') FROM audit_logs WHERE action = 'retention.purged'")
        #expect(audited.compactMap { Int.fromDatabaseValue($0[0]) }.reduce(0, +) == rows)
        #expect(try sample.totals() == oracle.totals())
    }
}
