import Foundation
import GRDB
import Scheduling
import Storage
import Synchronization
import Testing

/// The one connection that writes.
@Suite struct `Polite writer` {
    private func store(_ sample: SampleDatabase, patience: Duration = .seconds(30)) throws -> Store {
        try Store(path: sample.path, pace: Pace(patience: patience))
    }

    private static func mark(_ db: Database, _ date: String) throws {
        try db.execute(sql: "INSERT INTO rollup_dirty_days (date) VALUES (?)", arguments: [date])
    }

    @Test func `it loses the race for the lock, waits, and goes on once the lock is gone`() async throws {
        let sample = try SampleDatabase()
        let store = try store(sample)
        let rival = try sample.rival()
        try await rival.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
        try await rival.writeWithoutTransaction { try Self.mark($0, "2026-11-01") }
        let write = Task { try await store.writer.write("mark in") { db, _ in try Self.mark(db, "2026-11-02") } }
        while store.writer.totals.lostRaces < 3 { await Task.yield() }
        #expect(store.writer.totals.writes == 0)
        try await rival.writeWithoutTransaction { try Self.mark($0, "2026-11-03") }
        try await rival.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
        try await write.value
        #expect(try sample.value("SELECT COUNT(*) FROM rollup_dirty_days") == 3)
        #expect(store.writer.totals.writes == 1)
    }

    @Test func `past its patience it says that the file is locked, and the next try works`() async throws {
        let sample = try SampleDatabase()
        let store = try store(sample, patience: .milliseconds(15))
        let rival = try sample.rival()
        try await rival.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
        let error = await expectStorageError(.locked) {
            try await store.writer.write("mark in") { db, _ in try Self.mark(db, "2026-11-02") }
        }
        #expect(error?.description.contains("fuser \(sample.path)") == true)
        #expect(error?.description.hasPrefix("cannot mark in \(sample.path): ") == true)
        try await rival.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
        try await store.writer.write("mark in") { db, _ in try Self.mark(db, "2026-11-02") }
        #expect(try sample.value("SELECT COUNT(*) FROM rollup_dirty_days") == 1)
    }

    @Test func `its pace changes while it runs`() async throws {
        let sample = try SampleDatabase()
        let store = try store(sample)
        try await store.writer.write("mark in") { db, _ in try Self.mark(db, "2026-11-02") }
        let pace = Pace(hold: .milliseconds(2), patience: .milliseconds(15))
        store.writer.change(to: pace)
        #expect(store.writer.pace == pace)
        let rival = try sample.rival()
        try await rival.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
        await expectStorageError(.locked) {
            try await store.writer.write("mark in") { db, _ in try Self.mark(db, "2026-11-03") }
        }
        #expect(store.writer.totals.writes == 1)
    }

    @Test func `what fails leaves nothing behind, and the writer is as good as before`() async throws {
        struct Failure: Error {}
        let sample = try SampleDatabase()
        let store = try store(sample)
        for _ in 0..<3 {
            await #expect(throws: Failure.self) {
                try await store.writer.write("mark in") { db, _ in
                    try Self.mark(db, "2026-11-02")
                    throw Failure()
                }
            }
            await expectStorageError(.failed) {
                try await store.writer.write("mark in") { db, _ in
                    try Self.mark(db, "2026-11-02")
                    try Self.mark(db, "2026-11-02")
                }
            }
        }
        #expect(try sample.value("SELECT COUNT(*) FROM rollup_dirty_days") == 0)
        try sample.execute("INSERT INTO rollup_dirty_days (date) VALUES ('2026-11-01')")  // no lock is left
        try await store.writer.write("mark in") { db, _ in try Self.mark(db, "2026-11-02") }
        #expect(try sample.value("SELECT COUNT(*) FROM rollup_dirty_days") == 2)
    }

    @Test func `a cancelled task still finishes the bite in hand`() async throws {
        let sample = try SampleDatabase()
        let store = try store(sample)
        let write = Task {
            try await store.writer.write("mark in") { db, _ in
                withUnsafeCurrentTask { $0?.cancel() }
                try Self.mark(db, "2026-11-02")
            }
        }
        write.cancel()
        try await write.value
        #expect(try sample.value("SELECT COUNT(*) FROM rollup_dirty_days") == 1)
    }

    @Test func `a cancelled task gives up a lock that it does not get`() async throws {
        let sample = try SampleDatabase()
        let store = try store(sample)
        let rival = try sample.rival()
        try await rival.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
        let write = Task { try await store.writer.write("mark in") { db, _ in try Self.mark(db, "2026-11-02") } }
        while store.writer.totals.lostRaces < 1 { await Task.yield() }
        write.cancel()
        await #expect(throws: CancellationError.self) { try await write.value }
        try await rival.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
    }

    @Test func `the gateway's triggers on what is written here stay silent, its own go on`() async throws {
        let sample = try SampleDatabase()
        let store = try store(sample)
        try sample.execute(
            "INSERT INTO daily_usage_stats (id, date, updated_at) VALUES ('x', '2026-11-20', '2020-01-01 00:00:00')")
        try await store.writer.write("touch") { db, _ in
            try db.execute(sql: "UPDATE daily_usage_stats SET total_requests = 1")
        }
        #expect(try sample.value("SELECT updated_at FROM daily_usage_stats") == "2020-01-01 00:00:00")
        try await store.writer.write("touch", firesTriggers: true) { db, _ in
            try db.execute(sql: "UPDATE daily_usage_stats SET total_requests = 2")
        }
        #expect(try sample.value("SELECT updated_at FROM daily_usage_stats") != "2020-01-01 00:00:00")
        try sample.execute("UPDATE daily_usage_stats SET updated_at = '2020-01-01 00:00:00'")
        try sample.execute("UPDATE daily_usage_stats SET total_requests = 3")
        #expect(try sample.value("SELECT updated_at FROM daily_usage_stats") != "2020-01-01 00:00:00")
    }

    /// Counted, not timed: the allowance is asked at least once for every key that is written, so no bite runs long past its deadline.
    @Test func `the rollup asks after every key whether its bite is spent, and ends it when it is`() async throws {
        let sample = try SampleDatabase()
        var oracle = Oracle()
        try sample.fill(400, seed: 95, into: &oracle)
        let groups = Set(oracle.totals().keys.map { "\($0.user) \($0.model)" }).count
        let questions = Mutex(0)
        let patient = try sample.store(
            steps: Allowance.Steps {
                questions.withLock { $0 += 1 }
                return false
            })
        _ = try await Rollup(store: patient, zone: .utc) { Instant(milliseconds: 0) }.run()
        let histograms: Int = try sample.value("SELECT COUNT(*) FROM usage_latency_histograms") ?? 0
        #expect(questions.withLock { $0 } == groups + histograms)

        try sample.fill(400, seed: 96, into: &oracle)
        let most = Mutex(0)
        let spied = try sample.store(steps: Allowance.Steps { true }) { db in
            let counter = WriteCounter { rows in most.withLock { $0 = max($0, rows) } }
            db.add(transactionObserver: counter, extent: .databaseLifetime)
        }
        _ = try await Rollup(store: spied, zone: .utc) { Instant(milliseconds: 0) }.run()
        #expect(try sample.totals() == oracle.totals())
        // one user and model with its eleven days, or one histogram, and the state's row
        #expect(most.withLock { $0 } <= 12)

        try sample.execute("UPDATE usage_logs SET cost = 1")
        for id in oracle.rows.keys { oracle.rows[id]?.costNanos = 1_000_000_000 }
        let writes = spied.writer.totals.writes
        _ = try await Rollup(store: spied, zone: .utc) { Instant(milliseconds: 0) }.run()
        #expect(spied.writer.totals.writes - writes >= 1_600 / 64)
        #expect(try sample.totals() == oracle.totals())
    }

    /// Counts the rows that each transaction changes.
    private final class WriteCounter: TransactionObserver {
        private var rows = 0
        private let report: (Int) -> Void

        init(_ report: @escaping (Int) -> Void) { self.report = report }

        func observes(eventsOfKind eventKind: DatabaseEventKind) -> Bool { true }
        func databaseDidChange(with event: DatabaseEvent) { rows += 1 }
        func databaseDidCommit(_ db: Database) {
            report(rows)
            rows = 0
        }
        func databaseDidRollback(_ db: Database) { rows = 0 }
    }
}
