import Foundation
import GRDB
import GRDBSQLite
import Scheduling
import Synchronization
import TestSupport
import Testing

@testable import Storage

/// A rewrite of the whole file: what it keeps, and whom it refuses.
@Suite struct `Compaction of a file` {
    private func compact(
        _ sample: CompactionSample, _ autoVacuum: FileSpace.AutoVacuum? = nil
    ) throws -> Compaction.Outcome {
        try Compaction(path: sample.path, autoVacuum: autoVacuum).run(now: CompactionSample.now)
    }

    @Test(arguments: 1...4)
    func `nothing but the free pages is gone`(round: Int) async throws {
        var random = SplitMix64(for: "compaction, round \(round)")
        let sample = try await CompactionSample(seed: random.next())
        let content = try await sample.dump()
        let before = try sample.space()
        #expect(before.freePages > 50)
        try FileManager.default.setAttributes([.posixPermissions: 0o664], ofItemAtPath: sample.path)
        let old = try #require(FileIdentity(path: sample.path))

        let outcome = try compact(sample)

        try await sample.expectWhole(content)
        let after = try sample.space()
        #expect(outcome.before == before)
        #expect(outcome.after == after)
        #expect(after.freePages == 0)
        #expect(after.pages <= before.pages - before.freePages + 4)
        #expect(Int64(try Data(contentsOf: URL(filePath: sample.path)).count) == after.bytes)
        let new = try #require(FileIdentity(path: sample.path))
        #expect(!new.isSameFile(as: old))
        #expect(new.mode == 0o664 && new.owner == old.owner && new.group == old.group)
        #expect(try sample.pragma("user_version") == "-7")
        #expect(try sample.pragma("application_id") == "123456789")
        let noted = try sample.ask { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT CAST(metadata ->> 'bytes_before' AS INTEGER), CAST(metadata ->> 'bytes_after' AS INTEGER)
                    FROM audit_logs
                    WHERE action = 'database.compacted'
                    """
            ).map { [$0[0] as Int64, $0[1] as Int64] }
        }
        // The row itself may have taken some pages more: the table and each of its indexes may have split one.
        #expect(noted.count == 1 && noted[0][0] == before.bytes)
        #expect((after.bytes - 8 * after.pageSize...after.bytes).contains(noted[0][1]))
        // And once more, with nothing to gain.
        let again = try compact(sample)
        try await sample.expectWhole(content)
        #expect(again.after.pages <= after.pages + 8)
    }

    @Test(arguments: FileSpace.AutoVacuum.allCases, [nil, FileSpace.AutoVacuum.none, FileSpace.AutoVacuum.incremental])
    func `the copy is made for what was asked`(had: FileSpace.AutoVacuum, wanted: FileSpace.AutoVacuum?) async throws {
        let sample = try await CompactionSample(seed: 5, autoVacuum: had)
        #expect(try sample.space().autoVacuum == had)
        let content = try await sample.dump()
        let outcome = try compact(sample, wanted)
        #expect(outcome.after.autoVacuum == wanted ?? had)
        #expect(try sample.space().autoVacuum == wanted ?? had)
        try await sample.expectWhole(content)
    }

    @Test(arguments: ["wal", "delete"])
    func `it is refused while a connection is open, and works once that is closed`(mode: String) async throws {
        let sample = try await CompactionSample(seed: 6)
        let content = try await sample.dump()
        #expect(try sample.pragma("journal_mode = \(mode)") == mode)
        let other = try DatabaseQueue(path: sample.path)
        _ = try await other.read { db in try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM usage_logs") }
        let refusal = await expectStorageError(.locked) { try compact(sample) }
        #expect(refusal?.cause.contains("process \(getpid())") == true)
        #expect(try await other.read { db in try String.fetchOne(db, sql: "PRAGMA journal_mode") } == mode)
        try other.close()
        _ = try compact(sample)
        try await sample.expectWhole(content)
    }

    @Test func `without /proc, SQLite's own locks are refused, and the mode stays`() async throws {
        let sample = try await CompactionSample(seed: 7)
        let other = try DatabaseQueue(path: sample.path)
        _ = try await other.read { db in try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM usage_logs") }
        await expectStorageError(.locked) { _ = try HeldDatabase(sample.path, users: { _, _ in FileUsers() }) }
        #expect(try await other.read { db in try String.fetchOne(db, sql: "PRAGMA journal_mode") } == "wal")
        try other.close()
        let held = try HeldDatabase(sample.path, users: { _, _ in FileUsers() })
        // And nobody gets in meanwhile.
        #expect(throws: DatabaseError.self) { try DatabaseQueue(path: sample.path) }
        held.release()
        #expect(try sample.pragma("journal_mode") == "wal")
    }

    @Test func `whoever opened the old file and had not read yet is told that it is no database`() async throws {
        let sample = try await CompactionSample(seed: 8)
        let path = sample.path
        let late = Mutex<UInt?>(nil)
        let compaction = try Compaction(path: path)
        let opening: @Sendable (Compaction.Phase, Double?) -> Void = { phase, _ in
            guard phase == .replacing else { return }
            var connection: OpaquePointer?
            #expect(sqlite3_open_v2(path, &connection, SQLITE_OPEN_READWRITE, nil) == SQLITE_OK)
            late.withLock { $0 = connection.map { UInt(bitPattern: $0) } }
        }
        _ = try compaction.run(now: CompactionSample.now, progress: opening)
        let connection = OpaquePointer(bitPattern: try #require(late.withLock { $0 }))
        let code = sqlite3_exec(connection, "CREATE TABLE lost (id)", nil, nil, nil)
        #expect(code == SQLITE_NOTADB)
        sqlite3_close(connection)
        #expect(try sample.pragma("integrity_check") == "ok")
    }

    @Test func `through a symbolic link the file is replaced, and the link stays`() async throws {
        let sample = try await CompactionSample(seed: 9)
        let content = try await sample.dump()
        let link = sample.folder.appending(path: "link.db").path
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "usage.db")
        let outcome = try Compaction(path: link).run(now: CompactionSample.now)
        #expect(outcome.path == (realpath(sample.path, nil).map { String(cString: $0) }))
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "usage.db")
        #expect(try Compaction.names(of: link).map { $0.split(separator: "/").last } == ["link.db", "usage.db"])
        #expect(try Compaction.names(of: sample.path).count == 1)
        try FileManager.default.removeItem(atPath: link)
        try await sample.expectWhole(content)
    }

    @Test func `what a crash left in the log is in the copy, and the log is gone`() async throws {
        let sample = try await CompactionSample(seed: 12)
        let manager = FileManager.default
        let aside = sample.folder.appending(path: "aside").path
        let queue = try DatabaseQueue(path: sample.path)
        try await queue.writeWithoutTransaction { db in
            try db.execute(sql: "INSERT INTO numbers (value) VALUES ('only in the log')")
        }
        for part in ["", "-wal"] { try manager.copyItem(atPath: sample.path + part, toPath: aside + part) }
        try queue.close()
        let content = try await sample.dump()
        for part in ["", "-wal"] {
            try? manager.removeItem(atPath: sample.path + part)
            try manager.moveItem(atPath: aside + part, toPath: sample.path + part)
        }
        _ = try compact(sample)
        try await sample.expectWhole(content)
        #expect(content.contains { $0.contains("only in the log") })
    }

    @Test func `a file with a second name is refused`() async throws {
        let sample = try await CompactionSample(seed: 10)
        let second = sample.folder.appending(path: "second.db").path
        try FileManager.default.linkItem(atPath: sample.path, toPath: second)
        await expectStorageError(.notADatabase) { try compact(sample) }
    }

    @Test func `a plan names sizes, room and users, and changes nothing`() async throws {
        let sample = try await CompactionSample(seed: 11)
        let content = try await sample.dump()
        let space = try sample.space()
        let plan = try Compaction(path: sample.path, autoVacuum: .incremental, room: { _ in 1_000 }).plan()
        #expect(plan.space == space)
        #expect(plan.autoVacuum == .incremental)
        #expect(!plan.hasRoom && plan.neededBytes > space.usedBytes)
        #expect(try sample.space() == space)
        for part in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: sample.path + part) }
        try await sample.expectWhole(content)
    }
}
