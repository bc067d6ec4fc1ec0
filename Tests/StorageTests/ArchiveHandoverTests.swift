import Foundation
import GRDB
import Scheduling
import Storage
import Synchronization
import Testing

/// Archives that somebody else takes on before their rows go: nothing goes that was not taken.
@Suite struct ArchiveHandoverTests {
    private struct Refusal: Error, CustomStringConvertible {
        let description = "no room there"
    }

    /// The files that were offered, in order.
    private final class Record: Sendable {
        let files = Mutex<[ArchiveHandover.File]>([])
        var paths: [String] { files.withLock { $0.map(\.path) } }
    }

    private static func usage() async throws -> ArchiveWorld { try await ArchiveWorld() }

    @Test func `the sidecar is offered first, then the archive, with its own SHA-256`() async throws {
        let world = try await Self.usage()
        let record = Record()
        let handover = ArchiveHandover { file, _ in
            record.files.withLock { $0.append(file) }
            // Both stand, and no row has gone.
            #expect(FileManager.default.fileExists(atPath: file.path))
            return .taken
        }
        _ = try await world.run([.usageLogs], handover: handover)
        let parts = try await world.parts()
        #expect(record.paths == parts.flatMap { [$0.path + ".json", $0.path] })
        for part in parts {
            #expect(part.takenAt != nil && part.usedAt != nil && part.place == .here)
            let offered = record.files.withLock { $0.first { $0.path == part.path } }
            #expect(offered?.sha256 == part.digest.fileSHA256)
            #expect(offered?.table == "usage_logs" && offered?.day == part.day && offered?.part == 1)
        }
        #expect(
            try world.sample.value("SELECT COUNT(*) FROM audit_logs WHERE action = 'retention.handed_over'")
                == parts.count)
        // The figures are the rows' alone.
        #expect(
            parts.allSatisfy { $0.sums.keys.sorted() == ["input_tokens", "latency", "output_tokens", "total_tokens"] })
    }

    @Test(arguments: [RetentionTable.usageLogs, .auditLogs, .conversations])
    func `nothing goes that was not taken, and the file waits for the next attempt`(table: RetentionTable) async throws
    {
        let world = try await ArchiveWorld()
        let before = try world.rows()
        let old = try world.old(table.rawValue)
        let refused = Record()
        let refusing = ArchiveHandover { file, _ in
            refused.files.withLock { $0.append(file) }
            guard file.path.hasSuffix(".zst") else { return .taken }
            throw Refusal()
        }
        let failed = try await world.run([table], handover: refusing)
        #expect(failed.tables.first?.failure == "no room there")
        #expect(failed.removed == 0)
        #expect(try world.sample.value("SELECT COUNT(*) FROM audit_logs WHERE action = 'retention.error'") == 1)
        #expect(try world.old(table.rawValue) == old)
        #expect(try await world.parts().isEmpty)

        let path = try #require(refused.paths.last)
        let written = try Self.inode(path)
        // Once it is taken: not written anew.
        let taking = ArchiveHandover { _, _ in .taken }
        #expect(try await world.run([table], handover: taking).tables.first?.failure == nil)
        #expect(try Self.inode(path) == written)
        #expect(try world.old(table.rawValue) == 0)
        #expect(try await world.lost(of: before) == [])
    }

    private static func inode(_ path: String) throws -> UInt64? {
        try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? UInt64
    }

    @Test func `a file that waits is written anew when its rows have changed, or it has`() async throws {
        let world = try await Self.usage()
        let refusing = ArchiveHandover { _, _ in throw Refusal() }
        _ = try await world.run([.auditLogs], handover: refusing)
        let path = "\(world.folder)/audit_logs/2026-11-10.jsonl.zst"
        var bytes = Array(try Data(contentsOf: URL(filePath: path)))
        bytes[bytes.count / 2] ^= 1
        try Data(bytes).write(to: URL(filePath: path))
        _ = try await world.run([.auditLogs], handover: refusing)
        #expect(throws: Never.self) { try ArchiveReader(path: path).forEachLine { _ in } }
        try world.sample.execute("UPDATE audit_logs SET action = 'later' WHERE id = 'a0'")
        _ = try await world.run([.auditLogs], handover: ArchiveHandover { _, _ in .taken })
        #expect(try await world.archived()["audit_logs"]?.contains { $0["action"] == "'later'" } == true)
        #expect(try await world.parts().allSatisfy { $0.part == 1 })
    }

    @Test(arguments: RetentionTable.allCases)
    func `a file that is taken away lets its rows go, and is asked back for a restore`(table: RetentionTable)
        async throws
    {
        let world = try await ArchiveWorld()
        let before = try world.rows()
        let outcome = try await world.run([table], handover: Self.moving(world))
        #expect(outcome.tables.compactMap(\.failure) == [])
        #expect(outcome.removed > 0)
        let parts = try await world.parts()
        #expect(!parts.isEmpty && parts.allSatisfy { $0.place == .moved && $0.usedAt != nil && $0.part == 1 })
        #expect(try await world.lost(of: before) == [])
        do {
            _ = try await ArchiveRestore(into: try world.sample.store()).restore(parts, isOrigin: true)
            Issue.record("restored what is not here")
        } catch let error as StorageError {
            #expect(error.kind == .missing && error.remedy.hasPrefix("Bring it and its sidecar"))
        }
        for part in parts {
            for suffix in ["", ".json"] {
                try FileManager.default.moveItem(
                    atPath: "\(world.elsewhere)/\(part.table)-\(URL(filePath: part.path).lastPathComponent)\(suffix)",
                    toPath: part.path + suffix)
            }
        }
        let restored = try await ArchiveRestore(into: try world.sample.store()).restore(parts, isOrigin: true)
        #expect(restored.restored == parts.reduce(0) { $0 + Int($1.digest.rows) })
        let after = try world.rows()
        for (table, rows) in before {
            for (id, row) in rows { #expect(after[table]?[id] == row, "\(table) \(id)") }
        }
    }

    private static func moving(_ world: ArchiveWorld) -> ArchiveHandover {
        ArchiveHandover { file, _ in
            let name = URL(filePath: file.path).lastPathComponent
            let target = "\(world.elsewhere)/\(file.table)-\(name)"
            try? FileManager.default.removeItem(atPath: target)
            try FileManager.default.moveItem(atPath: file.path, toPath: target)
            return .taken
        }
    }

    @Test(arguments: [RetentionTable.usageLogs, .auditLogs, .conversations, .rejects])
    func `a file that is gone after a crash has its rows archived as a new part`(table: RetentionTable) async throws {
        let world = try await ArchiveWorld()
        let before = try world.rows()
        var number = 0
        var isOver = false
        while !isOver, number < 2_000 {
            number += 1
            let fault = StatementFault(number)
            _ = try? await world.run(
                [table], handover: Self.moving(world), prepare: { fault.watch($0) }, steps: Allowance.Steps { true })
            isOver = !fault.hasStruck
            #expect(try await world.lost(of: before) == [], "statement \(number)")
        }
        #expect(isOver)
        let last = try await world.run([table], handover: Self.moving(world))
        #expect(last.tables.compactMap(\.failure) == [])
        #expect(try await world.lost(of: before) == [])
        #expect(try await world.parts().allSatisfy { $0.usedAt != nil })
    }

    /// Whoever ends with status 0 answers for the file; what is then known to be wrong with it is told all the same.
    @Test func `a file that is spoilt while it is taken lets nothing go`() async throws {
        let world = try await Self.usage()
        let before = try world.rows()
        let spoilt = Record()
        let handover = ArchiveHandover { file, _ in
            if file.path.hasSuffix(".zst"), spoilt.paths.isEmpty {
                spoilt.files.withLock { $0.append(file) }
                // In place, so that the open file is the same.
                let handle = try FileHandle(forWritingTo: URL(filePath: file.path))
                try handle.truncate(atOffset: 20)
                try handle.close()
            }
            return .taken
        }
        let outcome = try await world.run([.auditLogs], handover: handover)
        #expect(outcome.tables.first?.failure?.contains(spoilt.paths.first ?? "nowhere") == true)
        #expect(try await world.lost(of: before) == [])
        _ = try await world.run([.auditLogs], handover: handover)
        #expect(try world.old("audit_logs") == 0)
        #expect(try await world.lost(of: before) == [])
    }

    @Test func `a stop while a file is taken is no failure`() async throws {
        let world = try await Self.usage()
        let outcome = try await world.run([.usageLogs, .auditLogs], handover: ArchiveHandover { _, _ in .stopped })
        #expect(!outcome.isComplete)
        #expect(outcome.tables.compactMap(\.failure) == [])
        #expect(outcome.removed == 0)
        #expect(try await world.parts().isEmpty)
        #expect(try world.sample.value("SELECT COUNT(*) FROM audit_logs WHERE action = 'retention.error'") == 0)
    }
}
