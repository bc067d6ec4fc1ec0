import Foundation
import GRDB
import Scheduling
import Storage
import Testing

/// What stands in an erasure's way ends it before anything is touched.
@Suite struct ErasureRefusalTests {
    private let sample: SampleDatabase
    private let person = SampleDatabase.person

    init() throws {
        sample = try SampleDatabase()
    }

    private func prepare() async throws {
        try sample.settle()
        try await sample.use()
        try await sample.rollUp()
        try await sample.retain()
    }

    private func renamed(_ totals: [Oracle.Key: Oracle.Total], _ pseudonym: String) -> [Oracle.Key: Oracle.Total] {
        totals.reduce(into: [:]) { result, pair in
            let user = pair.key.user == person ? pseudonym : pair.key.user
            result[Oracle.Key(date: pair.key.date, user: user, model: pair.key.model)] = pair.value
        }
    }

    // MARK: Holds

    private func refused(_ scope: RetentionHolds.Scope) async throws -> Bool {
        let holds = RetentionHolds(store: try sample.store())
        let hold = try await holds.add(scope, reason: "case 17", endsAt: nil, now: Instant(milliseconds: 1))
        let plan = try await sample.erasure(try sample.store()).plan()
        _ = try await holds.release(hold.id, now: Instant(milliseconds: 2))
        if let obstacle = plan.obstacles.first {
            #expect(obstacle.kind == .held && obstacle.description.contains("hold \(hold.id)"))
            #expect(obstacle.description.contains("case 17"))
        }
        return !plan.obstacles.isEmpty
    }

    @Test func `a hold that matches any of their rows is in the way, and no other`() async throws {
        try await prepare()
        func day(_ text: String) throws -> Day { try #require(Day(text)) }
        #expect(try await refused(.init(user: person)))
        #expect(try await refused(.init(user: person, table: .systemMetrics)), "by name, whatever it covers")
        #expect(try await refused(.init()))
        #expect(try await refused(.init(table: .auditLogs)))
        #expect(
            try await refused(.init(table: .usageLogs, from: try day("2026-11-18"), through: try day("2026-11-19"))))
        #expect(
            try await refused(.init(table: .usageLogs, from: try day("2026-11-11"), through: try day("2026-11-11"))),
            "archived")
        #expect(try await !refused(.init(table: .usageLogs, through: try day("2026-10-01"))))
        #expect(try await !refused(.init(user: SampleDatabase.other)))
        #expect(try await !refused(.init(table: .jobRuns)))
        #expect(try await !refused(.init(through: try day("2026-10-01"))))
    }

    @Test func `a hold that comes while an erasure is under way ends it, and released lets it go on`() async throws {
        try await prepare()
        let before = try sample.totals()
        let stops = Countdown(6)
        let cut = try await sample.erasure(try sample.store(steps: Allowance.Steps { true })).run(
            shouldStop: { stops.isOver() })
        #expect(!cut.isComplete)
        let holds = RetentionHolds(store: try sample.store())
        let hold = try await holds.add(.init(user: person), reason: "late", endsAt: nil, now: Instant(milliseconds: 1))
        await expectStorageError(.held) { try await sample.erasure(try sample.store()).run() }
        _ = try await holds.release(hold.id, now: Instant(milliseconds: 2))
        let outcome = try await sample.erasure(try sample.store()).run()
        #expect(try sample.places(of: person) == [])
        #expect(try sample.totals() == renamed(before, outcome.pseudonym))
    }

    // MARK: What can't be erased

    @Test func `a damaged archive is refused before anything is touched, unless it is left by name`() async throws {
        try await prepare()
        let entry = try #require(try await ArchiveManifest(store: try sample.store()).list().first)
        var bytes = Array(try Data(contentsOf: URL(filePath: entry.path)))
        bytes[bytes.count / 2] ^= 1
        try Data(bytes).write(to: URL(filePath: entry.path))
        let error = await expectStorageError(.archiveDamaged) { try await sample.erasure(try sample.store()).run() }
        #expect(error?.description.contains("--leave-archive \(entry.path)") == true)
        #expect(try sample.value("SELECT COUNT(*) FROM erasures") == 0)
        #expect(try sample.value("SELECT COUNT(*) FROM api_keys") == 2)
        try FileManager.default.removeItem(atPath: entry.path)
        await expectStorageError(.missing) { try await sample.erasure(try sample.store()).run() }
        let exceptions = Erasure.Exceptions(archives: [entry.path])
        _ = try await sample.erasure(try sample.store(), exceptions: exceptions).run()
        let receipt: String? = try sample.value("SELECT metadata FROM audit_logs WHERE action = 'user.erased'")
        #expect(receipt?.contains(entry.path) == true)
        #expect(try sample.places(of: person) == [])
    }

    @Test func `an operator's columns are emptied, and one that may not be NULL is refused by its name`() async throws {
        try sample.execute("ALTER TABLE usage_logs ADD COLUMN nickname TEXT")
        try sample.execute("ALTER TABLE usage_logs ADD COLUMN region TEXT NOT NULL DEFAULT 'eu'")
        try sample.execute("ALTER TABLE usage_logs ADD COLUMN twice INTEGER GENERATED ALWAYS AS (latency * 2)")
        try await prepare()
        try sample.execute("UPDATE usage_logs SET nickname = user_id")
        let error = await expectStorageError(.failed) { try await sample.erasure(try sample.store()).run() }
        #expect(error?.description.contains("--keep-column usage_logs.region") == true)
        #expect(try sample.value("SELECT COUNT(*) FROM erasures") == 0)
        let exceptions = Erasure.Exceptions(columns: ["usage_logs.region"])
        _ = try await sample.erasure(try sample.store(), exceptions: exceptions).run()
        #expect(try sample.places(of: person) == [])
    }

    @Test func `another program's table with rows of theirs is named, and stays`() async throws {
        try await prepare()
        try sample.execute("CREATE TABLE invoices (id INTEGER PRIMARY KEY, user_id TEXT)")
        try sample.execute("INSERT INTO invoices (user_id) VALUES (?)", [person])
        #expect(try await sample.erasure(try sample.store()).plan().unknownTables == ["invoices"])
    }
}
