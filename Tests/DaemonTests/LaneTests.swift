import Foundation
import Logging
import Scheduling
import Synchronization
import TestSupport
import Testing

@testable import Daemon
@testable import Storage

/// Lanes on a real database, with real time and short schedules; what is claimed holds however slow the machine is.
@Suite struct LaneTests {
    private let folder: ScratchFolder
    private let store: Store

    init() async throws {
        folder = try ScratchFolder(for: "lane")
        store = try Store.creating(path: folder.path())
        _ = try await Migrator(store: store).migrate { _ in }
    }

    /// What a test's job was asked for.
    private final class Witness: Sendable {
        let runs = Mutex<[Slot]>([])
        let beats = Atomic(0)
    }

    private static func now() -> Instant {
        Instant(milliseconds: Int64((Date().timeIntervalSince1970 * 1_000).rounded(.down)))
    }

    private func lane(_ job: Job, _ witness: Witness, longestWait: Duration = .milliseconds(50)) -> Lane {
        Lane(
            job,
            Lane.Parts(
                ledger: JobLedger(store: store), longestWait: { longestWait }, now: Self.now,
                monotonic: { .nanoseconds(Int64(MonotonicClock.nanoseconds())) }, standing: {},
                beat: { witness.beats.wrappingAdd(1, ordering: .relaxed) }, report: { _ in }),
            database: store.path, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func job(
        _ witness: Witness, every: Duration, policy: Policy = Policy(),
        perform: @escaping @Sendable (JobContext) async throws -> Void = { _ in }
    ) -> Job {
        Job(
            name: "test", schedule: { .every(every) }, policy: { policy },
            body: .steps(
                hasWork: { true },
                perform: { context in
                    witness.runs.withLock { $0.append(context.slot) }
                    try await perform(context)
                    return JobOutcome(rows: 1, message: "done", messageID: "0")
                }))
    }

    /// Runs the lane until the condition holds; at most 20 s.
    private func run(_ lane: Lane, until isDone: @escaping @Sendable () async throws -> Bool) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await lane.run() }
            for _ in 0..<400 {
                if try await isDone() { break }
                try await Task.sleep(for: .milliseconds(50))
            }
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    @Test func `slots are run in order, once each, and stand in the ledger`() async throws {
        let witness = Witness()
        let policy = Policy(missed: .all(cap: 1_000, window: .seconds(3_600)))
        try await run(lane(job(witness, every: .milliseconds(100), policy: policy), witness)) {
            witness.runs.withLock { $0.count } >= 10
        }
        let slots = witness.runs.withLock { $0 }.map(\.instant.milliseconds)
        #expect(slots.count >= 10)
        #expect(zip(slots, slots.dropFirst()).allSatisfy { $1 - $0 == 100 }, "\(slots)")
        let recorded = try await JobLedger(store: store).latest(1_000, of: "test")
        #expect(recorded.map(\.slot.milliseconds).sorted() == slots)
        #expect(recorded.allSatisfy { $0.state == .succeeded && $0.attempt == 1 && $0.rows == 1 })
        #expect(witness.beats.load(ordering: .relaxed) > 0)

        // Another lane, as after a restart: goes on behind the last slot, without a gap.
        let later = Witness()
        try await run(lane(job(later, every: .milliseconds(100), policy: policy), later)) {
            later.runs.withLock { $0.count } >= 3
        }
        #expect(later.runs.withLock { $0.first?.instant.milliseconds } == (slots.last ?? 0) + 100)
    }

    @Test func `a failed slot is tried again with its attempt counted, then given up`() async throws {
        struct Refusal: Error {}
        let witness = Witness()
        let retry = Retry(backoff: Backoff(first: .milliseconds(10), cap: .milliseconds(20)), attempts: 3)
        let lane = lane(
            job(witness, every: .seconds(3_600), policy: Policy(retry: retry), perform: { _ in throw Refusal() }),
            witness)
        let ledger = JobLedger(store: store)
        try await run(lane) { try await ledger.last(of: "test")?.attempt == 3 }
        let run = try #require(try await ledger.last(of: "test"))
        #expect(run.state == .failed && run.attempt == 3 && run.error?.contains("Refusal") == true)
        #expect(Set(witness.runs.withLock { $0 }).count == 1)
    }

    @Test func `a run that a crash cut is tried again by the next lane, and not for ever`() async throws {
        let ledger = JobLedger(store: store)
        let slot = try #require(Schedule.every(.seconds(3_600)).latest(at: Self.now()))
        _ = try await ledger.claim(job: "test", slot: slot, now: Self.now())
        #expect(try await ledger.recordCrashes(now: Self.now()) == 1)
        let witness = Witness()
        let retry = Retry(backoff: Backoff(first: .milliseconds(10), cap: .milliseconds(20)), attempts: 2)
        let policy = Policy(retry: retry)
        try await run(lane(job(witness, every: .seconds(3_600), policy: policy), witness)) {
            witness.runs.withLock { !$0.isEmpty }
        }
        #expect(witness.runs.withLock { $0.first } == slot)
        #expect(try await ledger.last(of: "test")?.attempt == 2)
        // Two attempts are used up: another crash is the last.
        _ = try await store.writer.write("test") { db, _ in
            try db.execute(sql: "UPDATE job_runs SET state = 'crashed', error = 'x'")
        }
        let third = Witness()
        let next = lane(job(third, every: .seconds(3_600), policy: policy), third)
        try await run(next) { third.beats.load(ordering: .relaxed) > 3 }
        #expect(third.runs.withLock { $0.filter { $0 == slot } } == [])
    }

    /// With synchronous = FULL the log is written first, which wakes the lane, and the rows are there after an fsync.
    @Test func `what is to be seen only a while after the log was written is found all the same`() async throws {
        let witness = Witness()
        let looks = Atomic(0)
        let isThere = Mutex<ContinuousClock.Instant?>(nil)
        let job = Job(
            name: "test", schedule: { .every(.seconds(86_400)) },
            early: Job.EarlyWakes(spacing: { .milliseconds(1) }), startsAtOnce: false,
            body: .steps(
                hasWork: {
                    looks.wrappingAdd(1, ordering: .relaxed)
                    return isThere.withLock { $0.map { ContinuousClock.now >= $0 } ?? false }
                },
                perform: { context in
                    witness.runs.withLock { $0.append(context.slot) }
                    isThere.withLock { $0 = nil }
                    return JobOutcome(rows: 1, message: "done", messageID: "0")
                }))
        let isWritten = Atomic(false)
        try await run(lane(job, witness, longestWait: .seconds(600))) { [store] in
            if looks.load(ordering: .relaxed) >= 2, !isWritten.exchange(true, ordering: .relaxed) {
                try await store.writer.write("test") { db, _ in
                    try db.execute(
                        sql: "UPDATE job_pauses SET paused_at_ms = 0; INSERT INTO job_pauses VALUES ('x', 0)")
                    isThere.withLock { $0 = .now + .milliseconds(40) }
                }
            }
            return witness.runs.withLock { !$0.isEmpty }
        }
        #expect(witness.runs.withLock { $0.count } == 1)
    }

    @Test func `a lane that can't read its ledger waits, and goes on where it was`() async throws {
        let ledger = JobLedger(store: store)
        let past = try #require(
            Schedule.every(.seconds(1)).latest(at: Instant(milliseconds: Self.now().milliseconds - 5_000)))
        let claim = try #require(try await ledger.claim(job: "test", slot: past, now: Self.now()))
        try await ledger.end(claim, JobLedger.Ending(.succeeded), now: Self.now())
        @Sendable func rename(_ old: String, _ new: String) async throws {
            try await store.writer.write("test") { db, _ in try db.execute(sql: "ALTER TABLE \(old) RENAME TO \(new)") }
        }
        try await rename("job_runs", "away")
        let witness = Witness()
        let policy = Policy(missed: .all(cap: 1_000, window: .seconds(3_600)))
        let lane = lane(job(witness, every: .seconds(1), policy: policy), witness)
        let isBack = Mutex(false)
        try await run(lane) {
            if !isBack.withLock({ $0 }) {
                // It has looked by then.
                try await Task.sleep(for: .milliseconds(300))
                try await rename("away", "job_runs")
                isBack.withLock { $0 = true }
            }
            return witness.runs.withLock { $0.count } >= 3
        }
        let slots = witness.runs.withLock { $0 }.map { $0.instant.milliseconds - past.instant.milliseconds }
        #expect(slots.starts(with: [1_000, 2_000, 3_000]), "\(slots)")
    }

    @Test func `a run that was asked for does not settle the slots that wait`() async throws {
        let ledger = JobLedger(store: store)
        let every = Schedule.every(.seconds(1))
        let past = try #require(every.latest(at: Instant(milliseconds: Self.now().milliseconds - 5_000)))
        // Beside the schedule and later, as `tallyd jobs run` leaves it; then the daemon ends, with slots waiting.
        let asked = Slot(Instant(milliseconds: past.instant.milliseconds + 4_321))
        for slot in [past, asked] {
            let claim = try #require(try await ledger.claim(job: "test", slot: slot, now: Self.now()))
            try await ledger.end(claim, JobLedger.Ending(.succeeded), now: Self.now())
        }
        let witness = Witness()
        let policy = Policy(missed: .all(cap: 1_000, window: .seconds(3_600)))
        try await run(lane(job(witness, every: .seconds(1), policy: policy), witness)) {
            witness.runs.withLock { $0.count } >= 5
        }
        let slots = witness.runs.withLock { $0 }.map { $0.instant.milliseconds - past.instant.milliseconds }
        #expect(slots.starts(with: [1_000, 2_000, 3_000, 4_000, 5_000]), "\(slots)")
    }

    @Test func `a run that is cancelled with its lane has not failed`() async throws {
        let witness = Witness()
        let lane = lane(
            job(witness, every: .seconds(3_600), perform: { _ in try await Task.sleep(for: .seconds(600)) }), witness)
        try await run(lane) { witness.runs.withLock { !$0.isEmpty } }
        let run = try #require(try await JobLedger(store: store).last(of: "test"))
        #expect(run.state == .cancelled && run.error == nil, "\(run)")
    }

    @Test func `a slot whose failure could not be recorded is run by the next attempt`() async throws {
        let witness = Witness()
        let lane = lane(job(witness, every: .seconds(3_600)), witness)
        let slot = try #require(Schedule.every(.seconds(3_600)).latest(at: Self.now()))
        guard case .ran = await lane.perform(slot, again: true) else {
            Issue.record("lost")
            return
        }
        #expect(try await JobLedger(store: store).last(of: "test")?.state == .succeeded)
        guard case .idle = await lane.perform(slot, again: true) else {
            Issue.record("run twice")
            return
        }
    }

    @Test func `a paused job waits, runs when it is asked to, and goes on when it is resumed`() async throws {
        let ledger = JobLedger(store: store)
        _ = try await ledger.pause("test", now: Self.now())
        let witness = Witness()
        let lane = lane(job(witness, every: .milliseconds(50)), witness)
        let asked = Mutex(false)
        try await run(lane) {
            guard witness.beats.load(ordering: .relaxed) > 4 else { return false }
            if !asked.withLock({ $0 }) {
                #expect(witness.runs.withLock { $0 } == [], "paused")
                guard case .ran(let ending) = await lane.runNow() else {
                    Issue.record("asked for, and not run")
                    return true
                }
                #expect(ending.state == .succeeded && witness.runs.withLock { $0.count } == 1)
                asked.withLock { $0 = true }
                _ = try await ledger.resume("test")
                lane.lookAgain()
            }
            return witness.runs.withLock { $0.count } > 3
        }
        #expect(witness.runs.withLock { $0.count } > 3)
        guard case .idle = await lane.runNow() else {
            Issue.record("a lane that has ended runs nothing")
            return
        }
    }

    @Test func `a run is asked to end at its deadline, and the ledger says so`() async throws {
        let witness = Witness()
        let ledger = JobLedger(store: store)
        let slow = Job(
            name: "test", schedule: { .every(.seconds(3_600)) }, policy: { Policy(deadline: .milliseconds(100)) },
            body: .steps(
                hasWork: { true },
                perform: { context in
                    for _ in 0..<2_000 where !context.isStopping() { try await Task.sleep(for: .milliseconds(5)) }
                    return JobOutcome(rows: 0, isComplete: !context.isStopping(), message: "done", messageID: "0")
                }))
        try await run(lane(slow, witness)) { try await ledger.last(of: "test")?.state == .cancelled }
        let run = try #require(try await ledger.last(of: "test"))
        #expect(run.state == .cancelled && run.error?.contains("deadline of 100ms") == true)
    }
}
