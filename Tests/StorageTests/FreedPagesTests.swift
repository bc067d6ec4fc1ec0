import Foundation
import GRDB
import Scheduling
import Synchronization
import TestSupport
import Testing

@testable import Storage

/// Pages that retention gives back, where the file can.
@Suite struct `Freed pages` {
    private static let now = Instant(milliseconds: 1_795_000_000_000)

    /// With so many old audit rows and one usage row, by which the clock is believed.
    private func sample(_ kind: FileSpace.AutoVacuum, rows: Int) throws -> SampleDatabase {
        let sample = try SampleDatabase()
        try sample.execute("PRAGMA auto_vacuum = \(kind.word)")
        try sample.execute("VACUUM")
        try sample.insert(at: "\(Self.now)")
        try sample.execute(
            """
            WITH RECURSIVE counter (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < ?)
            INSERT INTO audit_logs (id, user_id, action, resource_type, metadata, created_at)
            SELECT 'a' || n, 'u', 'x', 'y', hex(randomblob(300)), '2020-01-01 00:00:00' FROM counter
            """, [rows])
        try sample.execute("INSERT INTO audit_logs (id, user_id, action, resource_type) VALUES ('n', 'u', 'x', 'y')")
        return sample
    }

    private func retain(
        _ store: Store, shouldStop: @escaping @Sendable () -> Bool = { false }
    ) async throws -> RetentionRun.Outcome {
        var periods = Dictionary(uniqueKeysWithValues: RetentionTable.allCases.map { ($0, RetentionPeriod.off) })
        periods[.auditLogs] = .limited(.seconds(86_400))
        let policies = RetentionPolicies(periods: periods, settle: .seconds(86_400), largestShare: 1)
        return try await RetentionRun(store: store, zone: .utc, term: nil, policies: policies).run(
            run: "1", now: Self.now, shouldStop: shouldStop, progress: {})
    }

    @Test func `beside a writer the file becomes shorter, down to a tenth of free pages`() async throws {
        let sample = try sample(.incremental, rows: 2_000)
        let store = try sample.store()
        let before = try await sample.gateway.read { db in try FileSpace.read(db) }
        let isOver = Mutex(false)
        let writing = Task {
            var written = 0
            while !isOver.withLock({ $0 }) {
                try sample.insert(at: "\(Self.now)")
                written += 1
                try await Task.sleep(for: .milliseconds(2))  // 500 a second at the most
            }
            return written
        }
        let outcome = try await retain(store)
        isOver.withLock { $0 = true }
        let written = try await writing.value
        #expect(outcome.isComplete && outcome.givingBackFailure == nil)
        #expect(outcome.removed == 2_000)
        #expect(outcome.bytesGivenBack > before.bytes / 2)
        let after = try await sample.gateway.read { db in try FileSpace.read(db) }
        #expect(after.freePages * 10 <= after.pages + 9)
        #expect(after.freePages > 0, "some are kept for the next rows")
        // The writer made it grow by some pages meanwhile.
        #expect(after.pages >= before.pages - outcome.bytesGivenBack / before.pageSize)
        #expect(try sample.value("SELECT COUNT(*) FROM usage_logs") == written + 1)
        #expect(try sample.value("PRAGMA integrity_check") == "ok")
        #expect(try sample.value("SELECT COUNT(*) FROM audit_logs WHERE id = 'n'") == 1)
        // The file itself follows with the next checkpoint.
        try sample.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        #expect(FileIdentity(path: sample.path)?.bytes == after.bytes)
        print(
            "given back \(outcome.bytesGivenBack) bytes of \(before.bytes), beside \(written) inserts; \(store.writer.totals)"
        )
    }

    @Test(arguments: [FileSpace.AutoVacuum.none, .full])
    func `another kind of file is left as it is`(kind: FileSpace.AutoVacuum) async throws {
        let sample = try sample(kind, rows: 1_000)
        let store = try sample.store()
        let outcome = try await retain(store)
        #expect(outcome.removed == 1_000 && outcome.bytesGivenBack == 0 && outcome.isComplete)
        let writes = store.writer.totals.writes
        #expect(try await FreedPages(store: store, term: nil).giveBack(shouldStop: { false }, progress: {}).bytes == 0)
        #expect(store.writer.totals.writes == writes)
        #expect(try sample.value("PRAGMA integrity_check") == "ok")
    }

    @Test func `a stop ends it after the bite in hand, and the next run goes on`() async throws {
        let sample = try sample(.incremental, rows: 3_000)
        try sample.execute("DELETE FROM audit_logs WHERE id <> 'n'")
        // Each bite is spent at once: four pages.
        let store = try sample.store(steps: Allowance.Steps { true })
        let pages = FreedPages(store: store, term: nil)
        let bites = Mutex(0)
        let first = try await pages.giveBack(
            shouldStop: { bites.withLock { $0 } == 3 }, progress: { bites.withLock { $0 += 1 } })
        #expect(first == FreedPages.Outcome(bytes: 3 * 4 * 4_096, isComplete: false))
        let second = try await pages.giveBack(shouldStop: { false }, progress: {})
        #expect(second.isComplete && second.bytes > first.bytes)
        #expect(try await pages.giveBack(shouldStop: { false }, progress: {}) == FreedPages.Outcome())
        #expect(try sample.value("PRAGMA integrity_check") == "ok")
    }

    @Test func `what is given back leaves the least number of pages that is a tenth or less`() {
        var random = SplitMix64(for: "surplus")
        for _ in 0..<500 {
            let pages = Int64.random(in: 1...5_000, using: &random)
            let free = Int64.random(in: 0...pages - 1, using: &random)
            let space = FileSpace(pageSize: 4_096, pages: pages, freePages: free, autoVacuum: .incremental)
            let plain = (0...free).first { (free - $0) * 10 <= pages - $0 }
            #expect(FreedPages.surplus(space) == plain, "\(space)")
        }
    }
}
