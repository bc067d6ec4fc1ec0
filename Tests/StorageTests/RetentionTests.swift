import Foundation
import GRDB
import Scheduling
import Storage
import Testing

/// What a retention run removes, what it leaves, and what it waits for: on real databases, by times that are passed in.
@Suite struct RetentionTests {
    private let sample: SampleDatabase

    init() throws {
        sample = try SampleDatabase()
    }

    private static func at(_ text: String) -> Instant { Instant(iso8601: text) ?? Instant(milliseconds: 0) }

    /// Only these tables, and no share is too large unless said.
    private func run(
        _ periods: [RetentionTable: RetentionPeriod], now: String, share: Double = 1, zone: Zone = .utc,
        settle: Duration = .seconds(86_400), shouldStop: @escaping @Sendable () -> Bool = { false }
    ) async throws -> RetentionRun.Outcome {
        let policies = RetentionPolicies(periods: periods, settle: settle, largestShare: share)
        let run = RetentionRun(store: try sample.store(), zone: zone, term: nil, policies: policies)
        return try await run.run(
            run: UUID().uuidString, now: Self.at(now), shouldStop: shouldStop, progress: {})
    }

    private func usageDates() throws -> [String] {
        try sample.rows("SELECT DISTINCT substr(created_at, 1, 10) FROM usage_logs ORDER BY 1").compactMap {
            String.fromDatabaseValue($0[0])
        }
    }

    private static func days(_ count: Int) -> RetentionPeriod { .limited(.seconds(Int64(count) * 86_400)) }

    // MARK: Usage, by sealed days

    @Test func `old days are sealed and go, newer ones stay, and no total changes`() async throws {
        var oracle = Oracle()
        try sample.fill(200, seed: 7, into: &oracle)
        try await sample.rollUp()
        let before = try sample.totals()
        let outcome = try await run([.usageLogs: Self.days(5)], now: "2026-11-21T12:00:00Z")
        // The horizon is the 16th at noon: the 15th ended before, the 16th did not. Sealed is what ended a day before.
        #expect(outcome.daysSealed.map(\.description) == (10...19).map { "2026-11-\($0)" })
        #expect(outcome.daysPurged.map(\.description) == (10...15).map { "2026-11-\($0)" })
        #expect(try usageDates() == (16...20).map { "2026-11-\($0)" })
        #expect(try sample.totals() == before)
        #expect(before == oracle.totals())
        // Another run finds nothing, and says so.
        let again = try await run([.usageLogs: Self.days(5)], now: "2026-11-21T12:00:00Z")
        #expect(again.removed == 0)
        #expect(again.tables.first?.note.hasPrefix("no row is older than 2026-11-16T12:00:00") == true)
        let audited = try sample.rows(
            "SELECT resource_id, json_extract(metadata, '$.rows') FROM audit_logs WHERE action = 'retention.purged' ORDER BY 1"
        )
        #expect(audited.compactMap { String.fromDatabaseValue($0[0]) } == (10...15).map { "2026-11-\($0)" })
        #expect(audited.compactMap { Int.fromDatabaseValue($0[1]) }.reduce(0, +) == outcome.removed)
    }

    @Test func `a late row of a purged day counts, and goes with the next run`() async throws {
        try sample.insert(at: "2026-11-10 10:00:00")
        try sample.insert(at: "2026-11-20T10:00:00Z")
        try await sample.rollUp()
        _ = try await run([.usageLogs: Self.days(5)], now: "2026-11-21T12:00:00Z")
        #expect(try usageDates() == ["2026-11-20"])
        try sample.insert(at: "2026-11-10T23:59:59.999Z")
        // Not counted yet, so it stays.
        #expect(try await run([.usageLogs: Self.days(5)], now: "2026-11-21T12:00:00Z").removed == 0)
        #expect(try usageDates() == ["2026-11-10", "2026-11-20"])
        try await sample.rollUp()
        #expect(try await run([.usageLogs: Self.days(5)], now: "2026-11-21T12:00:00Z").removed == 1)
        #expect(try sample.total("2026-11-10")?.requests == 2)
    }

    @Test func `a day whose totals drift stays open with its rows, and the days beside it go`() async throws {
        var oracle = Oracle()
        try sample.fill(200, seed: 8, into: &oracle)
        try await sample.rollUp()
        try sample.execute(
            """
            UPDATE daily_usage_stats SET cost_nanos = cost_nanos + 1
            WHERE rowid = (SELECT MIN(rowid) FROM daily_usage_stats WHERE date = '2026-11-12')
            """)
        let outcome = try await run([.usageLogs: Self.days(5)], now: "2026-11-21T12:00:00Z")
        #expect(outcome.daysSealed.map(\.description) == [10, 11, 13, 14, 15, 16, 17, 18, 19].map { "2026-11-\($0)" })
        #expect(outcome.daysPurged.map(\.description) == [10, 11, 13, 14, 15].map { "2026-11-\($0)" })
        #expect(outcome.tables.first?.note.hasPrefix("2026-11-12 can't be sealed: 1 of its totals differ") == true)
        #expect(try usageDates() == ([12] + Array(16...20)).map { "2026-11-\($0)" })
    }

    @Test(arguments: [
        ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
        ("America/Sao_Paulo", "2026-06-01", "2026-06-01T03:00:00Z", "2026-06-02T03:00:00Z"),
    ])
    func `a day is as long as its zone has it`(zone: String, day: String, first: String, next: String) async throws {
        let zone = try #require(Zone(zone))
        let start = Self.at(first)
        let end = Self.at(next)
        for offset: Int64 in [-1, 0, 1, 3_600_000] {
            try sample.insert(at: "\(Instant(milliseconds: start.milliseconds + offset))")
            try sample.insert(at: "\(Instant(milliseconds: end.milliseconds + offset))")
        }
        // What is believed goes to a day after the newest row: so the day is just old enough, and the next one is not.
        try await sample.rollUp(zone: zone)
        let now = Instant(milliseconds: end.milliseconds + 86_400_000)
        let outcome = try await run([.usageLogs: Self.days(1)], now: "\(now)", zone: zone)
        #expect(outcome.daysPurged.map(\.description).last == day)
        let left = try sample.rows("SELECT created_at FROM usage_logs ORDER BY 1").compactMap {
            String.fromDatabaseValue($0[0])
        }
        #expect(left == [Int64(0), 1, 3_600_000].map { "\(Instant(milliseconds: end.milliseconds + $0))" })
    }

    // MARK: Clocks

    @Test(arguments: ["1970-01-01T00:00:10Z", "2001-09-09T01:46:40Z", "2026-11-15T23:00:00Z"])
    func `a clock that is behind removes nothing that is not old by it`(now: String) async throws {
        for day in 10...20 { try sample.insert(at: "2026-11-\(day) 12:00:00") }
        try await sample.rollUp()
        #expect(try await run([.usageLogs: Self.days(5)], now: now).removed == 0)
    }

    @Test func `a clock at 2038 makes nothing old that the newest row does not`() async throws {
        for day in 10...20 { try sample.insert(at: "2026-11-\(day) 12:00:00") }
        try sample.execute(
            "INSERT INTO audit_logs (id, user_id, action, resource_type, created_at) VALUES ('a', 'u', 'x', 'y', '2026-11-01'), ('b', 'u', 'x', 'y', '2026-11-20')"
        )
        try await sample.rollUp()
        let outcome = try await run(
            [.usageLogs: Self.days(5), .auditLogs: Self.days(30)], now: "2038-01-19T03:14:07Z")
        // A day after the newest row is the 21st at noon.
        #expect(outcome.daysPurged.map(\.description) == (10...15).map { "2026-11-\($0)" })
        #expect(try sample.value("SELECT COUNT(*) FROM audit_logs WHERE id IN ('a', 'b')") == 2)
    }

    @Test func `a clock that goes back between two runs brings nothing back and removes nothing`() async throws {
        for day in 10...20 { try sample.insert(at: "2026-11-\(day) 12:00:00") }
        try await sample.rollUp()
        let first = try await run([.usageLogs: Self.days(5)], now: "2026-11-21T12:00:00Z")
        #expect(first.daysPurged.count == 6)
        let second = try await run([.usageLogs: Self.days(5)], now: "2026-11-20T12:00:00Z")
        #expect(second.removed == 0)
        #expect(try usageDates() == (16...20).map { "2026-11-\($0)" })
    }

    // MARK: What waits

    @Test func `an unusual share waits for an approval`() async throws {
        for day in 10...19 { try sample.insert(at: "2026-11-\(day) 12:00:00") }
        try await sample.rollUp()
        let periods = [RetentionTable.usageLogs: Self.days(5)]
        let now = "2026-11-20T12:00:00Z"
        let waiting = try await run(periods, now: now, share: 0.2)
        #expect(waiting.removed == 0)
        #expect(waiting.tables.first?.isWaiting == true)
        #expect(waiting.tables.first?.note.contains("50 %") == true)
        #expect(waiting.daysSealed.count == 9, "days are sealed all the same")
        let store = try sample.store()
        // For another period it holds nothing.
        try await RetentionState.approve(store, .usageLogs, Self.days(4), now: Self.at(now))
        #expect(try await run(periods, now: now, share: 0.2).removed == 0)
        try await RetentionState.approve(store, .usageLogs, Self.days(5), now: Self.at(now))
        // Nor for ever.
        #expect(try await run(periods, now: "2026-11-28T12:00:01Z", share: 0.2).removed == 0)
        #expect(try await run(periods, now: now, share: 0.2).removed == 5)
        // It is used up.
        let state = try await RetentionState.read(store)[.usageLogs]
        #expect(state?.approvedAt == nil && state?.isWaiting == false)
    }

    @Test func `a period that became shorter waits for an approval, a longer one does not`() async throws {
        for day in 1...20 { try sample.insert(at: "2026-11-\(day < 10 ? "0" : "")\(day) 12:00:00") }
        try await sample.rollUp()
        let now = "2026-11-21T12:00:00Z"
        #expect(try await run([.usageLogs: Self.days(18)], now: now).removed == 2)
        let shorter = try await run([.usageLogs: Self.days(17)], now: now)
        #expect(shorter.removed == 0 && shorter.tables.first?.isWaiting == true)
        #expect(shorter.tables.first?.note.contains("from 18d") == true)
        // What it went by is remembered while it waits.
        #expect(try await run([.usageLogs: Self.days(17)], now: now).removed == 0)
        try await RetentionState.approve(try sample.store(), .usageLogs, Self.days(17), now: Self.at(now))
        #expect(try await run([.usageLogs: Self.days(17)], now: now).removed == 1)
        #expect(try await run([.usageLogs: Self.days(19)], now: now).tables.first?.isWaiting == false)
        #expect(try await run([.usageLogs: .forever], now: now).tables.first?.note == "its rows are kept for ever")
    }

    @Test func `a run that fails has not gone by a shorter period`() async throws {
        for day in 10...20 { try sample.insert(at: "2026-11-\(day) 12:00:00") }
        try await sample.rollUp()
        let now = "2026-11-21T12:00:00Z"
        _ = try await run([.usageLogs: Self.days(9)], now: now)
        try sample.execute("ALTER TABLE usage_rejects RENAME TO away")
        #expect(try await run([.usageLogs: Self.days(5)], now: now).tables.first?.failure != nil)
        try sample.execute("ALTER TABLE away RENAME TO usage_rejects")
        let outcome = try await run([.usageLogs: Self.days(5)], now: now)
        #expect(outcome.removed == 0 && outcome.tables.first?.isWaiting == true)
    }

    @Test func `a run that is asked to stop goes on with the next`() async throws {
        for day in 10...20 { try sample.insert(at: "2026-11-\(day) 12:00:00") }
        try await sample.rollUp()
        let asked = Countdown(3)
        let first = try await run([.usageLogs: Self.days(5)], now: "2026-11-21T12:00:00Z") { asked.isOver() }
        #expect(!first.isComplete)
        let second = try await run([.usageLogs: Self.days(5)], now: "2026-11-21T12:00:00Z")
        #expect(second.isComplete)
        #expect(try usageDates() == (16...20).map { "2026-11-\($0)" })
    }

    // MARK: Holds and terms of one's own

    @Test func `what is held stays, and goes once it is released`() async throws {
        for day in 10...20 {
            for user in ["a", "b"] { try sample.insert(user: user, at: "2026-11-\(day) 12:00:00") }
        }
        try await sample.rollUp()
        let store = try sample.store()
        let holds = RetentionHolds(store: store)
        let now = "2026-11-21T12:00:00Z"
        let hold = try await holds.add(
            RetentionHolds.Scope(user: "a", table: .usageLogs, through: Day("2026-11-12")), reason: "case",
            endsAt: nil, now: Self.at(now))
        let other = try await holds.add(
            RetentionHolds.Scope(from: Day("2026-11-15"), through: Day("2026-11-15")), reason: "audit",
            endsAt: Self.at("2026-11-22"), now: Self.at(now))
        #expect(try await run([.usageLogs: Self.days(5)], now: now).removed == 12 - 3 - 2)
        let left = try sample.rows(
            "SELECT user_id, substr(created_at, 9, 2) FROM usage_logs WHERE created_at < '2026-11-16' ORDER BY 2, 1")
        #expect(
            left.map { "\($0[0])\($0[1])" } == [
                "\"a\"\"10\"", "\"a\"\"11\"", "\"a\"\"12\"", "\"a\"\"15\"", "\"b\"\"15\"",
            ])
        #expect(try sample.value("SELECT state FROM usage_days WHERE date = '2026-11-12'") == "sealed")
        #expect(try sample.value("SELECT state FROM usage_days WHERE date = '2026-11-13'") == "purged")
        // A clock set forward ends no hold.
        #expect(try await run([.usageLogs: Self.days(5)], now: "2038-01-01T00:00:00Z").removed == 0)
        #expect(try await holds.release(hold.id, now: Self.at(now)) != nil)
        #expect(try await holds.release(hold.id, now: Self.at(now)) == nil)
        #expect(try await run([.usageLogs: Self.days(5)], now: now).removed == 3)
        #expect(try await holds.release(other.id, now: Self.at(now)) != nil)
        #expect(try await run([.usageLogs: Self.days(5)], now: now).removed == 2)
        #expect(try await holds.list().isEmpty)
        #expect(try await holds.list(includingReleased: true).count == 2)
    }

    @Test func `a user's own terms may be longer or shorter`() async throws {
        for day in 10...20 {
            for user in ["long", "short", "other"] { try sample.insert(user: user, at: "2026-11-\(day) 12:00:00") }
        }
        try await sample.rollUp()
        let overrides = RetentionOverrides(store: try sample.store())
        let now = Self.at("2026-11-21T12:00:00Z")
        try await overrides.set(.forever, for: "long", in: .usageLogs, now: now)
        try await overrides.set(Self.days(2), for: "short", in: .usageLogs, now: now)
        // The plan knows whose they are, so that the guard on a table's share does, too.
        func planned() async throws -> RetentionPlan.TablePlan? {
            let policies = RetentionPolicies(
                periods: [.usageLogs: Self.days(5)], settle: .seconds(86_400), largestShare: 0.3)
            let planner = RetentionPlanner(store: try sample.store(), zone: .utc, policies: policies)
            return try await planner.plan(now: now).tables.first { $0.table == .usageLogs }
        }
        #expect(try await planned()?.due.rows == 6 + 9)
        #expect(try await planned()?.stop == .share(percent: 45, limit: 30))
        let holds = RetentionHolds(store: try sample.store())
        let hold = try await holds.add(
            RetentionHolds.Scope(user: "short", from: Day("2026-11-18"), through: Day("2026-11-18")), reason: "r",
            endsAt: nil, now: now)
        #expect(try await planned()?.due.rows == 6 + 8)
        #expect(try await planned()?.held == 1)
        #expect(try await holds.release(hold.id, now: now) != nil)
        let outcome = try await run([.usageLogs: Self.days(5)], now: "\(now)")
        #expect(outcome.removed == 6 + 9)
        func days(of user: String) throws -> Int? {
            try sample.value("SELECT COUNT(*) FROM usage_logs WHERE user_id = ?", [user])
        }
        #expect(try days(of: "long") == 11)
        #expect(try days(of: "short") == 2)
        #expect(try days(of: "other") == 5)
        try await overrides.set(nil, for: "long", in: .usageLogs, now: now)
        #expect(try await run([.usageLogs: Self.days(5)], now: "\(now)").removed == 6)
    }

    // MARK: Other tables

    @Test func `sessions go a grace after their end, and inactive ones after their last activity`() async throws {
        try sample.execute(
            """
            INSERT INTO user_sessions (id, user_id, token_hash, expires_at, is_active, last_activity_at, updated_at)
            VALUES ('expired', 'u', 'h1', '2026-11-20 11:00:00', TRUE, '2026-11-20 10:00:00', '2026-11-20 10:00:00'),
                   ('just expired', 'u', 'h2', '2026-11-20T12:30:00.000Z', 1, '2026-11-20 10:00:00', '2026-11-20 10:00:00'),
                   ('active', 'u', 'h3', '2026-12-20 12:00:00', 'true', '2026-11-01 10:00:00', '2026-11-01 10:00:00'),
                   ('ended', 'u', 'h4', '2026-12-20 12:00:00', 'false', '2026-11-19 10:00:00', '2026-11-19T10:00:00Z'),
                   ('just ended', 'u', 'h5', '2026-12-20 12:00:00', 0, '2026-11-20 10:00:00', '2026-11-21 10:00:00'),
                   ('odd', 'u', 'h6', 'some day', TRUE, '2026-11-21 11:00:00', '2026-11-01 10:00:00')
            """)
        let outcome = try await run([.userSessions: Self.days(1)], now: "2026-11-21T12:00:00Z")
        #expect(outcome.removed == 2)
        let left = try sample.rows("SELECT id FROM user_sessions ORDER BY 1").compactMap {
            String.fromDatabaseValue($0[0])
        }
        #expect(left == ["active", "just ended", "just expired", "odd"])
    }

    @Test func `a conversation goes with its messages, by its last activity`() async throws {
        try sample.execute(
            """
            INSERT INTO conversations (id, user_id, model, created_at, updated_at)
            VALUES ('old', 'u', 'm', '2026-01-01', '2026-01-01'), ('spoken', 'u', 'm', '2026-01-01', '2026-01-01'),
                   ('held', 'h', 'm', '2026-01-01', '2026-01-01'), ('new', 'u', 'm', '2026-11-20', '2026-11-20');
            INSERT INTO messages (id, conversation_id, user_id, role, content, created_at)
            WITH RECURSIVE n (value) AS (VALUES (1) UNION ALL SELECT value + 1 FROM n WHERE value < 300)
            SELECT 'o' || value, 'old', 'u', 'user', 'x', '2026-01-02' FROM n
            """)
        try sample.execute(
            """
            INSERT INTO messages (id, conversation_id, user_id, role, content, created_at)
            VALUES ('s', 'spoken', 'u', 'user', 'x', '2026-11-19T10:00:00Z'), ('h', 'held', 'h', 'user', 'x', '2026-01-02')
            """)
        let store = try sample.store()
        let hold = try await RetentionHolds(store: store).add(
            RetentionHolds.Scope(user: "h"), reason: "case", endsAt: nil, now: Self.at("2026-11-20"))
        func left() throws -> [String] {
            try sample.rows("SELECT id FROM conversations UNION ALL SELECT 'm ' || id FROM messages ORDER BY 1")
                .compactMap { String.fromDatabaseValue($0[0]) }
        }
        _ = try await run([.conversations: Self.days(100)], now: "2026-11-21T12:00:00Z")
        #expect(try left() == ["held", "m h", "m s", "new", "spoken"])
        _ = try await RetentionHolds(store: store).release(hold.id, now: Self.at("2026-11-20"))
        _ = try await run([.conversations: Self.days(100)], now: "2026-11-21T12:00:00Z")
        #expect(try left() == ["m s", "new", "spoken"])
    }

    @Test func `a row that can't be counted goes by its own policy only`() async throws {
        try sample.insert(input: "many", at: "2026-11-10 12:00:00")
        try sample.insert(at: "2026-11-10 12:00:00")
        try sample.insert(at: "2026-11-20 12:00:00")
        try await sample.rollUp()
        let now = "2026-11-25T12:00:00Z"
        #expect(try await run([.usageLogs: Self.days(5)], now: now).removed == 1)
        #expect(try sample.value("SELECT COUNT(*) FROM usage_rejects") == 1)
        let before = try sample.totals()
        // The sample's rollup runs on the 24th.
        #expect(try await run([.rejects: Self.days(5)], now: "2026-11-28T23:00:00Z").removed == 0)
        try sample.insert(at: "2026-11-25 12:00:00")
        try sample.execute("UPDATE usage_rejects SET rejected_at_ms = rejected_at_ms - 30 * 86400000")
        try sample.execute("INSERT INTO usage_rejects VALUES (999, 'cost_unusable', 'x', 1795392000000)")
        #expect(try await run([.rejects: Self.days(5)], now: now).removed == 1)
        #expect(try sample.value("SELECT COUNT(*) FROM usage_rejects") == 1)
        #expect(try sample.value("SELECT COUNT(*) FROM usage_logs WHERE input_tokens = 'many'") == 0)
        #expect(try sample.totals() == before)
        #expect(try sample.value("SELECT COUNT(*) FROM usage_changes") == 0)
    }

    @Test func `a row that was put right and is still to be counted is no row that was set aside`() async throws {
        let id = try sample.insert(input: "many", at: "2026-11-10 12:00:00")
        try sample.insert(at: "2026-11-20 12:00:00")
        try await sample.rollUp()
        try sample.execute("UPDATE usage_rejects SET rejected_at_ms = rejected_at_ms - 30 * 86400000")
        try sample.execute("UPDATE usage_logs SET input_tokens = 10 WHERE id = \(id)")
        #expect(try await run([.rejects: Self.days(5)], now: "2026-11-25T12:00:00Z").removed == 0)
        try await sample.rollUp()
        #expect(try sample.total("2026-11-10")?.requests == 1)
        #expect(try sample.value("SELECT COUNT(*) FROM usage_logs WHERE id = \(id)") == 1)
        #expect(try await Verification(store: sample.store(), zone: .utc).run().isClean)
    }

    @Test func `corrections that wait hold back the rows that they are of, and no others`() async throws {
        let old = try sample.insert(at: "2026-11-10 12:00:00")
        try sample.insert(at: "2026-11-11 12:00:00")
        let new = try sample.insert(at: "2026-11-20 12:00:00")
        try await sample.rollUp()
        let now = "2026-11-25T12:00:00Z"
        try sample.execute("UPDATE usage_logs SET latency = latency + 1 WHERE id IN (?, ?)", [old + 1, new])
        let waiting = try await run([.usageLogs: Self.days(5)], now: now)
        #expect(waiting.removed == 1 && !waiting.isComplete, "\(waiting)")
        #expect(waiting.tables.first?.note.contains("corrections") == true, "\(waiting)")
        try await sample.rollUp()
        #expect(try await run([.usageLogs: Self.days(5)], now: now).removed == 1)
        #expect(try await Verification(store: sample.store(), zone: .utc).run().isClean)
    }

    @Test func `the newest run of each job stays`() async throws {
        try sample.execute(
            """
            INSERT INTO job_runs (job, slot_ms, state, started_at_ms, finished_at_ms)
            VALUES ('a', 1000, 'succeeded', 1767225600000, 1767225600001), ('a', 2000, 'succeeded', 1767225600000, 1767225600001),
                   ('b', 1000, 'failed', 1767225600000, 1767225600001), ('a', 3000, 'succeeded', 1767225600000, 1767225600001)
            """)
        // Without a row of the gateway's there is nothing to hold the clock against.
        #expect(try await run([.jobRuns: Self.days(30)], now: "2026-11-23T12:00:00Z").removed == 0)
        try sample.insert(at: "2026-11-23T11:00:00Z")
        #expect(try await run([.jobRuns: Self.days(30)], now: "2026-11-23T12:00:00Z").removed == 2)
        #expect(try sample.value("SELECT COUNT(*) FROM job_runs WHERE job = 'b'") == 1)
    }

    @Test func `a failure of one table is audited and the others go on`() async throws {
        try sample.execute(
            """
            INSERT INTO audit_logs (id, user_id, action, resource_type, created_at)
            VALUES ('a', 'u', 'x', 'y', '2026-11-01'), ('b', 'u', 'x', 'y', '2026-11-20');
            INSERT INTO rate_limits (id, user_id, window_start, window_end) VALUES ('r', 'u', '2026-11-10', '2026-11-10');
            INSERT INTO rate_limits (id, user_id, window_start, window_end) VALUES ('s', 'u', '2026-11-20', '2026-11-21');
            ALTER TABLE system_metrics RENAME TO away;
            """)
        try sample.insert(at: "2026-11-20T10:00:00Z")
        let outcome = try await run(
            [.auditLogs: Self.days(10), .systemMetrics: Self.days(10), .rateLimits: Self.days(1)],
            now: "2026-11-21T12:00:00Z")
        #expect(outcome.removed == 2)
        #expect(outcome.tables.first { $0.table == .systemMetrics }?.failure != nil)
        #expect(
            try sample.value("SELECT resource_type FROM audit_logs WHERE action LIKE '%error%'") == "system_metrics")
    }
}
