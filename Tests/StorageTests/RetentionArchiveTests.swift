import Foundation
import GRDB
import Scheduling
import Testing

@testable import Storage

/// Days that are archived before they go, and come back.
@Suite struct RetentionArchiveTests {
    private let sample: SampleDatabase
    private let folder: String

    init() throws {
        sample = try SampleDatabase()
        folder = sample.folder.appending(path: "archive").path
    }

    private static let now = Instant(iso8601: "2026-11-21T12:00:00Z") ?? Instant(milliseconds: 0)
    private static let fiveDays = RetentionPeriod.limited(.seconds(5 * 86_400))

    private func run(files: ArchiveFiles = .system) async throws -> RetentionRun.Outcome {
        let policies = RetentionPolicies(
            periods: [.usageLogs: Self.fiveDays], settle: .seconds(86_400), largestShare: 1, archiveFolder: folder)
        return try await RetentionRun(
            store: try sample.store(), zone: .utc, term: nil, policies: policies, files: files
        ).run(run: UUID().uuidString, now: Self.now, shouldStop: { false }, progress: {})
    }

    private func parts() async throws -> [ArchiveManifest.Entry] {
        try await ArchiveManifest(store: try sample.store()).list()
    }

    /// The rows of an archive as plain JSON has them.
    private func lines(_ part: ArchiveManifest.Entry) throws -> [[String: Any]] {
        var lines: [[String: Any]] = []
        try ArchiveReader(path: part.path).forEachLine { line in
            let object = try JSONSerialization.jsonObject(with: Data(line))
            lines.append(try #require(object as? [String: Any]))
        }
        return lines
    }

    @Test func `a day goes by its archive, and comes back without being counted twice`() async throws {
        var oracle = Oracle()
        try sample.fill(200, seed: 11, into: &oracle)
        try await sample.rollUp()
        let before = try sample.totals()
        let raw = try sample.rows("SELECT * FROM usage_logs WHERE created_at < '2026-11-16' ORDER BY id")
        let outcome = try await run()
        #expect(outcome.removed == raw.count)
        let parts = try await parts()
        #expect(parts.map(\.day.description) == (10...15).map { "2026-11-\($0)" })
        #expect(parts.allSatisfy { $0.usedAt != nil && $0.part == 1 })
        #expect(parts.reduce(0) { $0 + $1.digest.rows } == raw.count)
        #expect(try parts.flatMap(lines).count == raw.count)
        #expect(try sample.totals() == before)

        let restored = try await ArchiveRestore(into: try sample.store()).restore(parts, isOrigin: true)
        #expect(restored == ArchiveRestore.Outcome(restored: raw.count, present: 0))
        #expect(try sample.rows("SELECT * FROM usage_logs WHERE created_at < '2026-11-16' ORDER BY id") == raw)
        try await sample.rollUp()
        #expect(try sample.totals() == before)
        let again = try await ArchiveRestore(into: try sample.store()).restore(parts, isOrigin: true)
        #expect(again == ArchiveRestore.Outcome(restored: 0, present: raw.count))
        // They are old still.
        #expect(try await run().removed == raw.count)
        #expect(try sample.totals() == before)
    }

    @Test func `rows are not restored into a database that would count them`() async throws {
        try sample.insert(at: "2026-11-10 10:00:00")
        try sample.insert(at: "2026-11-20 10:00:00")
        try await sample.rollUp()
        _ = try await run()
        let other = try SampleDatabase()
        let parts = try await parts()
        await expectStorageError(.rawIncomplete) {
            try await ArchiveRestore(into: try other.store()).restore(parts, isOrigin: true)
        }
        _ = try await ArchiveRestore(into: try other.store()).restore(parts, isOrigin: false)
        try await other.rollUp()
        #expect(try other.total("2026-11-10")?.requests == 1)
    }

    @Test func `rows of another database count there also below its cursor`() async throws {
        try sample.insert(at: "2026-11-10 10:00:00")
        try sample.insert(input: "many", at: "2026-11-10 11:00:00")
        try sample.insert(at: "2026-11-20 10:00:00")
        try await sample.rollUp()
        _ = try await run()
        let other = try SampleDatabase()
        try other.insert(at: "2026-11-21 10:00:00", id: 1_000)
        try await other.rollUp()
        _ = try await ArchiveRestore(into: try other.store()).restore(try await parts(), isOrigin: false)
        try await other.rollUp()
        #expect(try other.total("2026-11-10")?.requests == 1)
        #expect(try other.total("2026-11-21")?.requests == 1)
        #expect(try await Verification(store: try other.store(), zone: .utc).run().isClean)
    }

    @Test func `what an erasure writes anew while it is restored does not come back`() async throws {
        try sample.insert(at: "2026-11-10 10:00:00")
        try sample.insert(at: "2026-11-20 10:00:00")
        try await sample.rollUp()
        _ = try await run()
        let parts = try await parts()
        try sample.execute("UPDATE archives SET file_sha256 = 'another'")
        await expectStorageError(.archiveFailed) {
            try await ArchiveRestore(into: try sample.store()).restore(parts, isOrigin: true)
        }
        #expect(try sample.value("SELECT COUNT(*) FROM usage_logs") == 1)
    }

    @Test func `where no archive can be written no row goes, and every day that is over is sealed all the same`()
        async throws
    {
        var oracle = Oracle()
        try sample.fill(200, seed: 12, into: &oracle)
        try await sample.rollUp()
        try Data().write(to: URL(filePath: folder))
        let outcome = try await run()
        #expect(outcome.tables.first?.failure?.contains(folder) == true, "\(outcome.tables)")
        #expect(outcome.removed == 0)
        #expect(outcome.daysSealed.map(\.description) == (10...19).map { "2026-11-\($0)" })
        try FileManager.default.removeItem(atPath: folder)
        #expect(try await run().daysPurged.count == 6)
    }

    @Test
    func `where another process works on the archives no row goes, and every day that is over is sealed all the same`()
        async throws
    {
        try sample.insert(at: "2026-11-10 10:00:00")
        try sample.insert(at: "2026-11-20 10:00:00")
        try await sample.rollUp()
        try FileManager.default.createDirectory(atPath: folder + "/usage_logs", withIntermediateDirectories: true)
        // As a daemon holds it that was stopped in the middle of an archive.
        var other = try ArchiveLock(folder: folder + "/usage_logs")
        #expect(other != nil)
        let outcome = try await run()
        #expect(outcome.removed == 0 && outcome.tables.first?.failure?.contains("another tallyd") == true)
        #expect(outcome.daysSealed.count == 1)
        withExtendedLifetime(other) {}
        other = nil
        #expect(try await run().removed == 1)
        // Gone with the run.
        #expect(try ArchiveLock(folder: folder + "/usage_logs") != nil)
    }

    @Test func `a row that was corrected after it was archived is archived anew`() async throws {
        let id = try sample.insert(cost: 0.5, at: "2026-11-10 10:00:00")
        try sample.insert(at: "2026-11-10 11:00:00")
        try sample.insert(at: "2026-11-20 10:00:00")
        try await sample.rollUp()
        let store = try sample.store()
        let day = try #require(Day("2026-11-10"))
        #expect(try await DaySealing(store: store, zone: .utc).seal(day, now: Self.now) == nil)
        let archive = DayArchive(store: store, zone: .utc, term: nil, folder: folder)
        let terms = DayPurge.Terms(now: Self.now, run: "1")
        #expect(try await archive.prepare(day, terms, anew: false)?.part == 1)
        try sample.execute("UPDATE usage_logs SET cost = 0.75 WHERE id = ?", [id])
        try await sample.rollUp()
        let outcome = try await DayPurge(store: store, zone: .utc).purge(day, terms, by: archive)
        #expect(outcome.removed == 2 && outcome.isComplete)
        let parts = try await parts()
        #expect(parts.map(\.part) == [1, 2])
        #expect(try lines(parts[1]).first { $0["id"] as? Int64 == id }?["cost"] as? Double == 0.75)
        // The latest of its lines is what comes back.
        _ = try await ArchiveRestore(into: store).restore(parts, isOrigin: true)
        #expect(try sample.value("SELECT cost FROM usage_logs WHERE id = ?", [id]) == 0.75)
    }

    @Test func `a file that is changed after its check is found, and its rows are archived anew`() async throws {
        for hour in 10...19 { try sample.insert(at: "2026-11-10 \(hour):00:00") }
        try sample.insert(at: "2026-11-20 10:00:00")
        try await sample.rollUp()
        let store = try sample.store()
        let day = try #require(Day("2026-11-10"))
        _ = try await DaySealing(store: store, zone: .utc).seal(day, now: Self.now)
        let archive = DayArchive(store: store, zone: .utc, term: nil, folder: folder)
        let part = try await archive.prepare(day, DayPurge.Terms(now: Self.now, run: "1"), anew: false)
        let path = try #require(part?.path)
        var bytes = Array(try Data(contentsOf: URL(filePath: path)))
        bytes[bytes.count / 2] ^= 1
        try Data(bytes).write(to: URL(filePath: path))
        let outcome = try await run()
        #expect(outcome.tables.first?.failure?.contains(path) == true, "it is told of")
        #expect(try sample.value("SELECT COUNT(*) FROM audit_logs WHERE action = 'retention.error'") == 1)
        let parts = try await parts()
        #expect(parts.map(\.part) == [1, 2])
        #expect(try lines(parts[1]).count == 10)
        #expect(try sample.value("SELECT COUNT(*) FROM usage_logs") == 1)
    }

    @Test func `a late row is in a part of its own, and a held one in none until it is released`() async throws {
        try sample.insert(user: "held", at: "2026-11-10 10:00:00")
        try sample.insert(at: "2026-11-10 10:00:00")
        try sample.insert(at: "2026-11-20 10:00:00")
        try await sample.rollUp()
        let holds = RetentionHolds(store: try sample.store())
        let hold = try await holds.add(
            RetentionHolds.Scope(user: "held"), reason: "case", endsAt: nil, now: Self.now)
        #expect(try await run().removed == 1)
        #expect(try await run().removed == 0)
        #expect(try await parts().count == 1)
        try sample.insert(user: "late", at: "2026-11-10T12:00:00Z")
        try await sample.rollUp()
        #expect(try await run().removed == 1)
        _ = try await holds.release(hold.id, now: Self.now)
        #expect(try await run().removed == 1)
        let users = try await parts().flatMap(lines).compactMap { $0["user_id"] as? String }
        #expect(users == ["u", "late", "held"])
        #expect(try sample.value("SELECT state FROM usage_days WHERE date = '2026-11-10'") == "purged")
    }

    @Test func `whatever call fails, each row is in the table or in an archive`() async throws {
        for hour in 10...19 { try sample.insert(at: "2026-11-10 \(hour):00:00") }
        try sample.insert(at: "2026-11-20 10:00:00")
        try await sample.rollUp()
        var call = 0
        var isOver = false
        while !isOver, call < 200 {
            call += 1
            let faulty = FaultyFiles(.allFrom(call, code: call % 2 == 0 ? ENOSPC : EIO), longestTransfer: 64)
            let outcome = try await run(files: faulty.files)
            isOver = faulty.struck == nil
            let left: Int = try sample.value("SELECT COUNT(*) FROM usage_logs WHERE created_at < '2026-11-20'") ?? 0
            if isOver {
                #expect(left == 0 && outcome.tables.first?.failure == nil)
                #expect(try await parts().last.map { try lines($0).count } == 10)
            } else if left < 10 {
                // It failed behind the last thing that matters.
                let kept = try await parts().filter { part in
                    (try? ArchiveReader.verify(path: part.path, expected: part.digest)) != nil
                }
                #expect(try kept.last.map { try lines($0).count } == 10, "call \(call), \(faulty.struck ?? "")")
                isOver = true
            } else {
                #expect(outcome.tables.first?.failure != nil, "call \(call), \(faulty.struck ?? "")")
            }
        }
        #expect(call > 10, "the calls that were let fail")
    }
}
