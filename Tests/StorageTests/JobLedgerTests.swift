import Foundation
import Scheduling
import Testing

@testable import Storage

@Suite struct JobLedgerTests {
    private let sample: SampleDatabase
    private let ledger: JobLedger
    private let now = Instant(milliseconds: 1_800_000_000_000)

    init() throws {
        sample = try SampleDatabase()
        ledger = JobLedger(store: try sample.store())
    }

    private func slot(_ number: Int64) -> Slot { Slot(Instant(milliseconds: now.milliseconds + number * 1_000)) }

    @Test func `a slot is claimed once, and again only after a failure or a crash`() async throws {
        let claim = try #require(try await ledger.claim(job: "a", slot: slot(1), now: now))
        #expect(claim.attempt == 1)
        #expect(try await ledger.claim(job: "a", slot: slot(1), now: now) == nil)
        #expect(try await ledger.claimAgain(job: "a", slot: slot(1), now: now) == nil, "it is running")
        try await ledger.end(claim, .init(.failed, error: "no"), now: now)
        let second = try #require(try await ledger.claimAgain(job: "a", slot: slot(1), now: now))
        #expect(second == .init(run: claim.run, attempt: 2))
        #expect(try await ledger.recordCrashes(now: now) == 1)
        #expect(try await ledger.recordCrashes(now: now) == 0)
        let third = try #require(try await ledger.claimAgain(job: "a", slot: slot(1), now: now))
        #expect(third.attempt == 3)
        try await ledger.end(third, .init(.succeeded, rows: 7, lockMicroseconds: 9), now: now)
        #expect(try await ledger.claimAgain(job: "a", slot: slot(1), now: now) == nil)
        let run = try #require(try await ledger.last(of: "a"))
        #expect(run.attempt == 3 && run.state == .succeeded && run.rows == 7 && run.error == nil)
        #expect(try await ledger.claim(job: "b", slot: slot(1), now: now) != nil, "jobs have slots of their own")
    }

    @Test func `a run in one transaction is there with its rows or not at all`() async throws {
        let write = SlotWrite(rows: 1) { db in
            try db.execute(sql: "INSERT INTO feature_flags (id, flag_name) VALUES ('x', 'x')")
        }
        let count = { try sample.value("SELECT COUNT(*) FROM feature_flags WHERE id = 'x'") ?? 0 }
        let failing = SlotWrite(rows: 1) { db in
            try write.body(db)
            try db.execute(sql: "INSERT INTO nowhere VALUES (1)")
        }
        func record(_ write: SlotWrite) async throws -> JobLedger.Claim? {
            try await ledger.record(job: "m", slot: slot(1), startedAt: now, write: write, now: now)
        }
        await #expect(throws: StorageError.self) { _ = try await record(failing) }
        #expect(try count() == 0)
        #expect(try await ledger.last(of: "m") == nil)
        #expect(try await ledger.recordFailure(job: "m", slot: slot(1), startedAt: now, error: "no", now: now))
        #expect(try await record(write)?.attempt == 2)
        #expect(try await record(write) == nil, "the slot has its run")
        #expect(try count() == 1)
        #expect(try await ledger.recordFailure(job: "m", slot: slot(1), startedAt: now, error: "no", now: now) == false)
        #expect(try await ledger.last(of: "m")?.state == .succeeded)
    }

    @Test func `a run in one transaction says for how long it held the lock, up to its commit`() async throws {
        let microseconds = Int64(3_000)
        let slow = SlotWrite(rows: 0) { _ in usleep(UInt32(microseconds)) }
        let before = ledger.store.writer.totals.holdNanoseconds
        _ = try await ledger.record(job: "m", slot: slot(1), startedAt: now, write: slow, now: now)
        let held = try #require(try await ledger.last(of: "m")?.lockMicroseconds)
        #expect(held >= microseconds)
        #expect(held <= Int64((ledger.store.writer.totals.holdNanoseconds - before) / 1_000))
    }

    @Test func `old runs are forgotten by count and by age, never the newest`() async throws {
        let write = SlotWrite(rows: 0) { _ in }
        let total = Int64(JobLedger.mostRuns + 200)
        for number in 1...total {
            _ = try await ledger.record(job: "often", slot: slot(number), startedAt: now, write: write, now: now)
        }
        let kept = try #require(try sample.value("SELECT COUNT(*) FROM job_runs WHERE job = 'often'") as Int?)
        #expect(kept >= JobLedger.mostRuns && kept <= JobLedger.mostRuns + 64)
        #expect(try await ledger.last(of: "often")?.slot == slot(total).instant)

        let later = Instant(milliseconds: now.milliseconds + 40 * 86_400_000)
        for number in 1...130 {
            _ = try await ledger.record(
                job: "seldom", slot: Slot(Instant(milliseconds: now.milliseconds + Int64(number))), startedAt: now,
                write: write, now: later)
        }
        let left = try #require(try sample.value("SELECT COUNT(*) FROM job_runs WHERE job = 'seldom'") as Int?)
        #expect(left < 70 && left >= 1)
    }

    @Test func `a pause stays until it is resumed`() async throws {
        #expect(try await ledger.pause("a", now: now))
        #expect(try await !ledger.pause("a", now: slot(1).instant))
        let other = JobLedger(store: try sample.store())
        #expect(try await other.isPaused("a"))
        #expect(try await !other.isPaused("b"))
        #expect(try await other.pauses() == ["a": now])
        #expect(try await other.resume("a"))
        #expect(try await !other.resume("a"))
        #expect(try await !ledger.isPaused("a"))
    }
}
