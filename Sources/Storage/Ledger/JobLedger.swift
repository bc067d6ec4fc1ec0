import GRDB
package import Scheduling

/// The ledger of runs (table job_runs): a slot is claimed by inserting it, so no slot runs twice, and the attempt is counted before the work, so
/// that one which crashes is counted too.
package struct JobLedger: Sendable {
    let store: Store
    let term: Term?

    /// How many runs of a job are kept, and for how long: whichever is reached first. At a run a minute a job's newest day and a half; at a run
    /// a day a month.
    package static let mostRuns = 2_000
    package static let longestKept = Duration.seconds(30 * 86_400)
    /// Old runs are forgotten at one end in so many: looking for them takes longer than noting one.
    private static let forgettingEvery: Int64 = 64

    package init(store: Store, term: Term? = nil) {
        self.store = store
        self.term = term
    }

    package enum State: String, Sendable, Codable {
        case running, succeeded, failed, cancelled, crashed
    }

    package struct Run: Sendable, Equatable {
        package let id: Int64
        package let job: String
        package let slot: Instant
        package let attempt: Int
        package let state: State
        package let startedAt: Instant
        package let finishedAt: Instant?
        package let rows: Int64
        package let lockMicroseconds: Int64
        package let error: String?
    }

    /// The right to run a slot, once.
    package struct Claim: Sendable, Equatable {
        package let run: Int64
        /// 1 for the first.
        package let attempt: Int
    }

    /// How a run ended.
    package struct Ending: Sendable, Equatable {
        package var state: State
        package var rows: Int64
        package var lockMicroseconds: Int64
        package var error: String?

        package init(_ state: State, rows: Int64 = 0, lockMicroseconds: Int64 = 0, error: String? = nil) {
            self.state = state
            self.rows = rows
            self.lockMicroseconds = lockMicroseconds
            self.error = error
        }
    }

    /// Claims a slot. Nil when it was claimed before.
    package func claim(job: String, slot: Slot, now: Instant) async throws -> Claim? {
        let term = term
        return try await store.writer.write("record a run in") { db, _ in
            try term?.check(db)
            try db.execute(
                sql: """
                    INSERT INTO job_runs (job, slot_ms, state, started_at_ms)
                    VALUES (?, ?, 'running', ?)
                    ON CONFLICT (job, slot_ms) DO NOTHING
                    """,
                arguments: [job, slot.instant.milliseconds, now.milliseconds])
            return db.changesCount == 0 ? nil : Claim(run: db.lastInsertedRowID, attempt: 1)
        }
    }

    /// Claims a slot once more, whose run failed or was cut by a crash. Nil when it has none, or one that ended well.
    package func claimAgain(job: String, slot: Slot, now: Instant) async throws -> Claim? {
        let term = term
        return try await store.writer.write("record a run in") { db, _ in
            try term?.check(db)
            let row = try Row.fetchOne(
                db,
                sql: """
                    UPDATE job_runs
                    SET attempt = attempt + 1, state = 'running', started_at_ms = ?, finished_at_ms = NULL, error = NULL
                    WHERE job = ? AND slot_ms = ? AND state IN ('failed', 'crashed')
                    RETURNING id, attempt
                    """,
                arguments: [now.milliseconds, job, slot.instant.milliseconds])
            return row.map { Claim(run: $0[0], attempt: $0[1]) }
        }
    }

    /// Records how a run ended.
    package func end(_ claim: Claim, _ ending: Ending, now: Instant) async throws {
        let term = term
        try await store.writer.write("record a run in") { db, _ in
            try term?.check(db)
            try db.execute(
                sql: """
                    UPDATE job_runs
                    SET state = ?, finished_at_ms = ?, rows = ?, lock_us = ?, error = ?
                    WHERE id = ?
                    """,
                arguments: [
                    ending.state.rawValue, now.milliseconds, ending.rows, ending.lockMicroseconds, ending.error,
                    claim.run,
                ])
            try Self.forgetOldRuns(claim.run, now, db)
        }
    }

    /// A whole run in one transaction: claims the slot, carries out the write, and records that it succeeded. After a crash all of it is there or
    /// nothing, so such a run is never found cut.
    ///
    /// Its `lock_us` is the time for which the lock was held up to the last statement: the commit, which nothing can be recorded after, is not in
    /// it. The log line, written afterwards, has that too.
    ///
    /// - Returns: nil when the slot was claimed before; then nothing was written.
    package func record(job: String, slot: Slot, startedAt: Instant, write: SlotWrite, now: Instant) async throws
        -> Claim?
    {
        let term = term
        return try await store.writer.write("record a run in") { db, allowance in
            try term?.check(db)
            try db.execute(
                sql: """
                    INSERT INTO job_runs (job, slot_ms, state, started_at_ms, finished_at_ms, rows)
                    VALUES (?, ?, 'succeeded', ?, ?, ?)
                    ON CONFLICT (job, slot_ms) DO UPDATE
                    SET attempt = attempt + 1, state = 'succeeded', started_at_ms = excluded.started_at_ms,
                        finished_at_ms = excluded.finished_at_ms, rows = excluded.rows, error = NULL
                    WHERE state IN ('failed', 'crashed')
                    """,
                arguments: [
                    job, slot.instant.milliseconds, startedAt.milliseconds, now.milliseconds, write.rows,
                ])
            guard db.changesCount > 0 else { return nil }
            let row = try Row.fetchOne(
                db, sql: "SELECT id, attempt FROM job_runs WHERE job = ? AND slot_ms = ?",
                arguments: [job, slot.instant.milliseconds])
            try write.body(db)
            guard let claim = row.map({ Claim(run: $0[0], attempt: $0[1]) }) else { return nil }
            try Self.forgetOldRuns(claim.run, now, db)
            try db.execute(
                sql: "UPDATE job_runs SET lock_us = ? WHERE id = ?", arguments: [allowance.heldMicroseconds, claim.run])
            return claim
        }
    }

    /// Records a run that failed before it had claimed its slot; false when the slot had been claimed.
    package func recordFailure(job: String, slot: Slot, startedAt: Instant, error: String, now: Instant) async throws
        -> Bool
    {
        let term = term
        return try await store.writer.write("record a run in") { db, _ in
            try term?.check(db)
            try db.execute(
                sql: """
                    INSERT INTO job_runs (job, slot_ms, state, started_at_ms, finished_at_ms, error)
                    VALUES (?, ?, 'failed', ?, ?, ?)
                    ON CONFLICT (job, slot_ms) DO UPDATE
                    SET attempt = attempt + 1, started_at_ms = excluded.started_at_ms,
                        finished_at_ms = excluded.finished_at_ms, error = excluded.error
                    WHERE state IN ('failed', 'crashed')
                    """,
                arguments: [job, slot.instant.milliseconds, startedAt.milliseconds, now.milliseconds, error])
            return db.changesCount > 0
        }
    }

    private static func forgetOldRuns(_ run: Int64, _ now: Instant, _ db: Database) throws {
        guard run % forgettingEvery == 0 else { return }
        try db.execute(
            sql: """
                DELETE FROM job_runs
                WHERE job = (SELECT job FROM job_runs WHERE id = ?1)
                  AND slot_ms <= COALESCE(MAX(?3, (
                    SELECT slot_ms
                    FROM job_runs
                    WHERE job = (SELECT job FROM job_runs WHERE id = ?1)
                    ORDER BY slot_ms DESC
                    LIMIT 1 OFFSET ?2
                  )), ?3)
                  -- the newest run of a rare job is its cursor
                  AND slot_ms < (SELECT MAX(slot_ms) FROM job_runs WHERE job = (SELECT job FROM job_runs WHERE id = ?1))
                """,
            arguments: [run, mostRuns, now.milliseconds - longestKept.components.seconds * 1_000])
    }

    /// Runs that a crash cut: to be called by whoever has just become the only one. Writes only if there are any.
    package func recordCrashes(now: Instant) async throws -> Int {
        let found = try await store.read("look for crashed runs in") { db in
            try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM job_runs WHERE state = 'running')") ?? false
        }
        guard found else { return 0 }
        let term = term
        return try await store.writer.write("record crashed runs in") { db, _ in
            try term?.check(db)
            try db.execute(
                sql: """
                    UPDATE job_runs
                    SET state = 'crashed', finished_at_ms = ?, error = 'the process ended before the run did'
                    WHERE state = 'running'
                    """,
                arguments: [now.milliseconds])
            return db.changesCount
        }
    }
}
