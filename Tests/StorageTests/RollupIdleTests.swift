import Foundation
import GRDB
import Scheduling
import Storage
import Testing

/// A rollup with nothing to do, and one that may no longer write.
@Suite struct `Rollup restraint` {
    private func bytes(_ sample: SampleDatabase) throws -> [Data] {
        try ["", "-wal"].map { try Data(contentsOf: URL(filePath: sample.path + $0)) }
    }

    @Test func `a run with nothing to do writes nothing`() async throws {
        let sample = try SampleDatabase()
        try sample.insert()
        try sample.insert(at: "never")
        let store = try sample.store()
        let rollup = Rollup(store: store, zone: .utc) { Instant(milliseconds: 1_795_000_000_000) }
        _ = try await rollup.run()
        let version: Int? = try sample.value("PRAGMA data_version")
        let before = try bytes(sample)
        for _ in 0..<20 {
            #expect(try await rollup.hasWork() == false)
            #expect(try await rollup.run().didNothing)
        }
        #expect(try await Verification(store: store, zone: .utc).run().isClean)
        _ = try await RollupStatus.read(store)
        #expect(try await store.answers())
        #expect(try sample.value("PRAGMA data_version") == version)
        #expect(try bytes(sample) == before)
    }

    @Test(arguments: [
        "INSERT INTO usage_logs (user_id, request_id, model) VALUES ('u', 'r', 'alpha')",
        "UPDATE usage_logs SET cost = 9", "DELETE FROM usage_logs",
        "UPDATE model_pricing SET prompt_cost_per_1k = 5", "DELETE FROM model_pricing",
        "INSERT INTO rollup_dirty_days (date) VALUES ('2026-11-20')",
    ])
    func `whatever there is to do is seen`(sql: String) async throws {
        let sample = try SampleDatabase()
        try sample.insert()
        let rollup = Rollup(store: try sample.store(), zone: .utc) { Instant(milliseconds: 1_795_000_000_000) }
        #expect(try await rollup.hasWork())
        _ = try await rollup.run()
        #expect(try await rollup.hasWork() == false)
        try sample.execute(sql)
        #expect(try await rollup.hasWork())
        #expect(try await rollup.run().didNothing == false)
        #expect(try await rollup.hasWork() == false)
    }

    @Test func `a write with an old term is refused and changes nothing`() async throws {
        let sample = try SampleDatabase()
        try sample.insert()
        let store = try sample.store()
        let now = Instant(milliseconds: 1_795_000_000_000)
        let old = try await Term.take(store, holder: "first", now: now)
        let rollup = Rollup(store: store, zone: .utc, term: old) { now }
        _ = try await rollup.run()
        let day = try #require(Day("2026-11-20"))
        #expect(try await DaySealing(store: store, zone: .utc, term: old).seal(day, now: now) == nil)

        let new = try await Term.take(store, holder: "second", now: now)
        #expect(new.number == old.number + 1)
        try sample.insert(at: "2026-11-22T00:00:00Z")
        try sample.execute("UPDATE usage_logs SET cost = 7 WHERE id = 1")
        try sample.execute("UPDATE model_pricing SET prompt_cost_per_1k = 5")
        let version: Int? = try sample.value("PRAGMA data_version")
        let before = try bytes(sample)
        let other = try #require(Day("2026-11-22"))
        let attempts: [@Sendable () async throws -> Void] = [
            { _ = try await rollup.run() },
            { _ = try await Rebuild(store: store, zone: .utc, term: old).mark(other...other) },
            {
                _ = try await DayPurge(store: store, zone: .utc, term: old).purge(
                    day, DayPurge.Terms(now: now, run: "1"))
            },
            { _ = try await JobLedger(store: store, term: old).claim(job: "rollup", slot: Slot(now), now: now) },
        ]
        for attempt in attempts { await expectStorageError(.leaseLost, attempt) }
        #expect(try sample.value("PRAGMA data_version") == version)
        #expect(try bytes(sample) == before)

        let outcome = try await Rollup(store: store, zone: .utc, term: new) { now }.run()
        #expect(outcome.rows == 1 && outcome.corrections == 2)
    }

    @Test func `a term that is lost half way leaves each bite whole, and the next holder finishes`() async throws {
        let sample = try SampleDatabase()
        var oracle = Oracle()
        try sample.fill(80, seed: 91, into: &oracle)
        let store = try sample.store(steps: Allowance.Steps { true })
        let now = Instant(milliseconds: 1_795_000_000_000)
        let old = try await Term.take(store, holder: "first", now: now)
        let bites = Countdown(9)
        await expectStorageError(.leaseLost) {
            try await Rollup(store: store, zone: .utc, term: old) { now }.run(shouldStop: {
                if bites.isOver() {
                    do { try sample.execute("UPDATE tallyd_lease SET term = term + 1") } catch { Issue.record(error) }
                }
                return false
            })
        }
        #expect(try sample.totals() != oracle.totals())
        #expect(try sample.value("SELECT SUM(total_requests) FROM usage_daily") == 80)
        let new = try await Term.take(store, holder: "second", now: now)
        _ = try await Rollup(store: store, zone: .utc, term: new) { now }.run()
        #expect(try sample.totals() == oracle.totals())
    }
}
