import GRDB
package import Scheduling

/// The ledger of runs (table job_runs): a slot is claimed by inserting it, so no slot runs twice, and the attempt is counted before the work.
package struct JobLedger: Sendable {
    let store: Store
    let term: Term?

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

    /// Claims a slot. Nil when it was claimed before.
    package func begin(job: String, slot: Instant, now: Instant) async throws -> Int64? {
        let term = term
        return try await store.writer.write("record a run in") { db, _ in
            try term?.check(db)
            try db.execute(
                sql: """
                    INSERT INTO job_runs (job, slot_ms, state, started_at_ms)
                    VALUES (?, ?, 'running', ?)
                    ON CONFLICT (job, slot_ms) DO NOTHING
                    """,
                arguments: [job, slot.milliseconds, now.milliseconds])
            return db.changesCount == 0 ? nil : db.lastInsertedRowID
        }
    }

    /// Records how a run ended, and forgets runs of the job beyond the newest `keeping`.
    package func end(
        _ id: Int64, state: State, now: Instant, rows: Int64, lockMicroseconds: Int64, error: String?,
        keeping: Int = 500
    ) async throws {
        let term = term
        try await store.writer.write("record a run in") { db, _ in
            try term?.check(db)
            try db.execute(
                sql: """
                    UPDATE job_runs
                    SET state = ?, finished_at_ms = ?, rows = ?, lock_us = ?, error = ?
                    WHERE id = ?
                    """,
                arguments: [state.rawValue, now.milliseconds, rows, lockMicroseconds, error, id])
            try db.execute(
                sql: """
                    DELETE FROM job_runs
                    WHERE job = (SELECT job FROM job_runs WHERE id = ?1)
                      AND slot_ms <= (
                        SELECT slot_ms
                        FROM job_runs
                        WHERE job = (SELECT job FROM job_runs WHERE id = ?1)
                        ORDER BY slot_ms DESC
                        LIMIT 1 OFFSET ?2
                      )
                    """,
                arguments: [id, keeping])
        }
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

    /// The newest runs, newest first.
    package func latest(_ count: Int) async throws -> [Run] {
        try await store.read("read the runs of") { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT id, job, slot_ms, attempt, state, started_at_ms, finished_at_ms, rows, lock_us, error
                    FROM job_runs
                    ORDER BY started_at_ms DESC, id DESC
                    LIMIT ?
                    """,
                arguments: [count]
            ).map { row in
                Run(
                    id: row[0], job: row[1], slot: Instant(milliseconds: row[2]), attempt: row[3],
                    state: State(rawValue: row[4]) ?? .failed, startedAt: Instant(milliseconds: row[5]),
                    finishedAt: (row[6] as Int64?).map(Instant.init(milliseconds:)), rows: row[7],
                    lockMicroseconds: row[8],
                    error: row[9])
            }
        }
    }
}
