import GRDB
package import Scheduling

extension JobLedger {
    /// The newest runs, newest first.
    ///
    /// - Parameter job: of this job alone; nil: of all.
    package func latest(_ count: Int, of job: String? = nil) async throws -> [Run] {
        try await store.read("read the runs of") { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT id, job, slot_ms, attempt, state, started_at_ms, finished_at_ms, rows, lock_us, error
                    FROM job_runs
                    WHERE ?1 IS NULL OR job = ?1
                    ORDER BY started_at_ms DESC, id DESC
                    LIMIT ?2
                    """,
                arguments: [job, count]
            ).map(Self.run)
        }
    }

    /// The run with the latest slot: where a lane goes on from after a restart.
    ///
    /// - Parameter isScheduled: passes over runs beside the schedule, unless there are no others: one that was asked for while slots were
    ///   waiting has a later slot than these.
    package func last(
        of job: String, isScheduled: @escaping @Sendable (Instant) -> Bool = { _ in true }
    ) async throws -> Run? {
        try await store.read("read the runs of") { db in
            let runs = try Row.fetchCursor(
                db,
                sql: """
                    SELECT id, job, slot_ms, attempt, state, started_at_ms, finished_at_ms, rows, lock_us, error
                    FROM job_runs
                    WHERE job = ?
                    ORDER BY slot_ms DESC
                    """,
                arguments: [job]
            ).map(Self.run)
            var newest: Run?
            while let run = try runs.next() {
                if isScheduled(run.slot) { return run }
                newest = newest ?? run
            }
            return newest
        }
    }

    /// Slots after an instant that were run: there are some where the clock was set back.
    package func slots(of job: String, after instant: Instant) async throws -> Set<Slot> {
        try await store.read("read the runs of") { db in
            Set(
                try Int64.fetchAll(
                    db, sql: "SELECT slot_ms FROM job_runs WHERE job = ? AND slot_ms > ?",
                    arguments: [job, instant.milliseconds]
                ).map { Slot(Instant(milliseconds: $0)) })
        }
    }

    /// How many runs of all jobs ended in each state since the instant.
    package func outcomes(since instant: Instant) async throws -> [State: Int] {
        try await store.read("read the runs of") { db in
            let rows = try Row.fetchAll(
                db, sql: "SELECT state, COUNT(*) FROM job_runs WHERE finished_at_ms > ? GROUP BY state",
                arguments: [instant.milliseconds])
            return Dictionary(
                rows.compactMap { row in State(rawValue: row[0]).map { ($0, row[1] as Int) } }, uniquingKeysWith: +)
        }
    }

    // MARK: Pauses

    /// Keeps a job from being started by its schedule, over restarts too, until it is resumed. False when it was paused already.
    ///
    /// Without a term, as whoever asks for it may be another process than the daemon.
    package func pause(_ job: String, now: Instant) async throws -> Bool {
        try await store.writer.write("pause a job in") { db, _ in
            try db.execute(
                sql: "INSERT INTO job_pauses (job, paused_at_ms) VALUES (?, ?) ON CONFLICT (job) DO NOTHING",
                arguments: [job, now.milliseconds])
            return db.changesCount > 0
        }
    }

    /// False when it was not paused.
    package func resume(_ job: String) async throws -> Bool {
        try await store.writer.write("resume a job in") { db, _ in
            try db.execute(sql: "DELETE FROM job_pauses WHERE job = ?", arguments: [job])
            return db.changesCount > 0
        }
    }

    /// Paused jobs, and since when.
    package func pauses() async throws -> [String: Instant] {
        try await store.read("read the paused jobs of") { db in
            let rows = try Row.fetchAll(db, sql: "SELECT job, paused_at_ms FROM job_pauses")
            return Dictionary(
                rows.map { ($0[0] as String, Instant(milliseconds: $0[1])) }, uniquingKeysWith: { first, _ in first })
        }
    }

    /// Looks up one page: a lane asks at every look.
    package func isPaused(_ job: String) async throws -> Bool {
        try await store.read("read the paused jobs of") { db in
            try Bool.fetchOne(
                db.cachedStatement(sql: "SELECT EXISTS (SELECT 1 FROM job_pauses WHERE job = ?)"), arguments: [job])
                ?? false
        }
    }

    private static func run(_ row: Row) -> Run {
        Run(
            id: row[0], job: row[1], slot: Instant(milliseconds: row[2]), attempt: row[3],
            state: State(rawValue: row[4]) ?? .failed, startedAt: Instant(milliseconds: row[5]),
            finishedAt: (row[6] as Int64?).map(Instant.init(milliseconds:)), rows: row[7], lockMicroseconds: row[8],
            error: row[9])
    }
}
