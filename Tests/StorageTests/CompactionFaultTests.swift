import Foundation
import GRDB
import Scheduling
import Synchronization
import TestSupport
import Testing

@testable import Storage

/// A rewrite that fails, or is stopped, leaves what was there.
@Suite struct `Compaction faults` {
    @Test(arguments: [EIO, ENOSPC, EACCES])
    func `whichever system call fails, the old file stands, or the new one`(code: Int32) async throws {
        let sample = try await CompactionSample(seed: 21)
        let content = try await sample.dump()
        var struck: [String] = []
        for number in 1...100 {
            let faulty = FaultyFiles(.call(number, code: code))
            let old = try #require(FileIdentity(path: sample.path))
            let failure = Result {
                try Compaction(path: sample.path, files: faulty.files).run(now: CompactionSample.now)
            }
            let isReplaced = FileIdentity(path: sample.path)?.isSameFile(as: old) == false
            try await sample.expectWhole(content, "call \(number), \(faulty.struck ?? "none")")
            guard let call = faulty.struck else {
                #expect(isReplaced)
                #expect(throws: Never.self) { try failure.get() }
                break
            }
            #expect(throws: StorageError.self, "call \(number), \(call)") { try failure.get() }
            // What follows the rename is the folder's.
            #expect(isReplaced == (struck.contains("rename")), "call \(number), \(call)")
            struck.append(call)
        }
        #expect(struck == ["openToRead", "fsync", "openToRead", "fsync", "rename", "openFolder", "fsync"])
    }

    @Test func `signals cut no call short for good`() async throws {
        let sample = try await CompactionSample(seed: 22)
        let content = try await sample.dump()
        _ = try Compaction(path: sample.path, files: FaultyFiles(.interrupted).files).run(now: CompactionSample.now)
        try await sample.expectWhole(content)
    }

    @Test(arguments: [0, 1, 2, 3, 5, 8])
    func `a stop at whatever moment leaves the old file, or comes too late`(looks: Int) async throws {
        let sample = try await CompactionSample(seed: 23)
        let content = try await sample.dump()
        let old = try #require(FileIdentity(path: sample.path))
        let asked = Mutex(0)
        let stopped = Result {
            try Compaction(path: sample.path).run(now: CompactionSample.now) {
                asked.withLock { count in
                    count += 1
                    return count > looks
                }
            }
        }
        let isReplaced = FileIdentity(path: sample.path)?.isSameFile(as: old) == false
        if case .failure(let error) = stopped {
            #expect(error is Compaction.Stopped, "\(error)")
            #expect(!isReplaced)
        } else {
            #expect(looks > 0)
        }
        try await sample.expectWhole(content)
    }

    @Test func `a copy that a crash left is replaced, and its journal is not played into the new one`() async throws {
        let sample = try await CompactionSample(seed: 24)
        let content = try await sample.dump()
        let copy = CompactingFile.path(for: sample.path)
        for part in ["", "-journal", "-wal", "-shm"] {
            try Data(repeating: 0xD9, count: 70_000).write(to: URL(filePath: copy + part))
        }
        _ = try Compaction(path: sample.path).run(now: CompactionSample.now)
        try await sample.expectWhole(content)
    }

    @Test func `a link in the copy's place is removed and not followed`() async throws {
        let sample = try await CompactionSample(seed: 25)
        let content = try await sample.dump()
        let victim = sample.folder.appending(path: "victim").path
        try Data("mine".utf8).write(to: URL(filePath: victim))
        try FileManager.default.createSymbolicLink(
            atPath: CompactingFile.path(for: sample.path), withDestinationPath: victim)
        _ = try Compaction(path: sample.path).run(now: CompactionSample.now)
        #expect(try String(contentsOfFile: victim, encoding: .utf8) == "mine")
        try FileManager.default.removeItem(atPath: victim)
        try await sample.expectWhole(content)
    }

    @Test func `too little room is refused with figures before anything is written`() async throws {
        let sample = try await CompactionSample(seed: 26)
        let content = try await sample.dump()
        let used = try sample.space().usedBytes
        let error = await expectStorageError(.full) {
            try Compaction(path: sample.path, room: { _ in used }).run(now: CompactionSample.now)
        }
        #expect(error?.cause.contains("its volume has \(used) free") == true)
        try await sample.expectWhole(content)
    }

    @Test(.enabled(if: SmallVolume.isPossible))
    func `a volume that is full half way leaves the old file`() async throws {
        let sample = try await CompactionSample(seed: 27)
        // So that it fits the volume once, and not twice.
        _ = try Compaction(path: sample.path).run(now: CompactionSample.now)
        let content = try await sample.dump()
        let volume = try SmallVolume(in: sample.folder)
        let path = volume.path + "/usage.db"
        try FileManager.default.copyItem(atPath: sample.path, toPath: path)
        for left in [100_000, 300_000] {
            let ballast = try volume.fill(leaving: left)
            await expectStorageError(.full) {
                try Compaction(path: path, room: { _ in nil }).run(now: CompactionSample.now)
            }
            await expectStorageError(.full) { try Compaction(path: path).run(now: CompactionSample.now) }
            try FileManager.default.removeItem(atPath: ballast)
            #expect(try FileManager.default.contentsOfDirectory(atPath: volume.path) == ["usage.db"])
            let shell = try await SQLiteShell.run("PRAGMA journal_mode;\n.dump\n", on: path)
            #expect(CompactionSample.lines(shell) == (["wal"] + content).sorted())
        }
    }

    @Test(.enabled(if: SmallVolume.isPossible))
    func `what may not be written is refused`() async throws {
        let sample = try await CompactionSample(seed: 28)
        let volume = try SmallVolume(in: sample.folder)
        let path = volume.path + "/usage.db"
        try FileManager.default.copyItem(atPath: sample.path, toPath: path)
        try volume.makeReadOnly()
        await expectStorageError(.readOnly) { try Compaction(path: path).run(now: CompactionSample.now) }
    }

    @Test func `a copy that is not what the original is takes no one's place`() async throws {
        let sample = try await CompactionSample(seed: 29)
        let content = try sample.ask { db in try DatabaseContent.read(db) }
        #expect(content.difference(from: content) == nil)
        #expect(content.rowCount > 0 && content.totals["cost_nanos"] ?? 0 > 0 && content.sequences["numbers"] == 6)
        for change in [
            "DELETE FROM numbers WHERE id = 1", "UPDATE sqlite_sequence SET seq = 5 WHERE name = 'numbers'",
            "UPDATE daily_usage_stats SET cost_nanos = cost_nanos + 1 WHERE id = (SELECT MIN(id) FROM daily_usage_stats)",
            "DROP INDEX numbers_value", "PRAGMA user_version = 3", "CREATE VIEW one AS SELECT 1",
            "INSERT INTO messages (id, conversation_id, user_id, role, content) VALUES ('m', 'none', 'u', 'user', 'x')",
        ] {
            let difference = try sample.ask { db in
                try db.execute(sql: "PRAGMA foreign_keys = OFF; BEGIN; \(change)")
                defer { try? db.execute(sql: "ROLLBACK") }
                return try DatabaseContent.read(db).difference(from: content)
            }
            #expect(difference != nil, "\(change)")
        }
    }

    @Test func `totals beyond 2^63 are summed exactly`() async throws {
        let sample = try await CompactionSample(seed: 30)
        let sums: [Int128] = try [0, 1].map { extra in
            try sample.ask { db in
                try db.execute(
                    sql: """
                        DELETE FROM daily_usage_stats;
                        INSERT INTO daily_usage_stats (id, date, cost_nanos) VALUES
                        ('a', '2026-11-01', 9223372036854775807), ('b', '2026-11-02', 9223372036854775807), ('c', '2026-11-03', -\(extra))
                        """)
                return try DatabaseContent.read(db).totals["cost_nanos"] ?? 0
            }
        }
        #expect(sums == [Int128(Int64.max) * 2, Int128(Int64.max) * 2 - 1])
    }
}
