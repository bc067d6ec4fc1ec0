import Storage
import Synchronization
import Testing

/// What an erasure does with archives of every table, and with the command that takes archives on.
@Suite struct ErasureArchiveTests {
    private struct Refused: Error {}

    private static func rows(_ parts: [ArchiveManifest.Entry], _ table: String) -> Int64 {
        parts.filter { $0.table == table }.reduce(0) { $0 + $1.digest.rows }
    }

    @Test func `archives of every table lose the person, and the new files are handed on`() async throws {
        let world = try await ArchiveWorld()
        _ = try await world.run()
        let before = try await world.parts()
        let taken = Mutex<Set<String>>([])
        let handover = ArchiveHandover { file, _ in
            taken.withLock { _ = $0.insert(file.path) }
            return .taken
        }
        for user in ["u1", "odd1"] {
            #expect(try world.sample.places(of: user) != [], "the search finds them")
            let outcome = try await world.sample.erasure(of: user, try world.sample.store(), handover: handover).run()
            #expect(outcome.isComplete)
            #expect(try world.sample.places(of: user) == [])
        }
        let after = try await world.parts()
        for table in ["usage_logs", "usage_rejects", "audit_logs", "system_metrics", "job_runs"] {
            #expect(Self.rows(after, table) == Self.rows(before, table), "\(table) keeps its rows")
        }
        for table in ["user_sessions", "rate_limits", "conversations", "messages"] {
            #expect(Self.rows(after, table) < Self.rows(before, table), "\(table) loses the person's")
        }
        for part in after { try ArchiveReader.verify(path: part.path, expected: part.digest) }
        let rewritten = after.filter { part in !before.contains { $0.path == part.path } }
        #expect(!rewritten.isEmpty && rewritten.allSatisfy { $0.takenAt != nil })
        #expect(after.filter { part in before.contains { $0.path == part.path } }.allSatisfy { $0.takenAt == nil })
        // Each with its sidecar.
        #expect(taken.withLock { $0.count } == 2 * rewritten.count)
        #expect(taken.withLock { $0.isSuperset(of: rewritten.map(\.path)) })
    }

    @Test func `a new file that nobody takes leaves the old one in force, and the next run goes on`() async throws {
        let world = try await ArchiveWorld()
        _ = try await world.run()
        let before = try await world.parts()
        let refusing = ArchiveHandover { _, _ in throw Refused() }
        await #expect(throws: Refused.self) {
            try await world.sample.erasure(of: "u1", try world.sample.store(), handover: refusing).run()
        }
        #expect(try await world.parts() == before)
        for part in before { try ArchiveReader.verify(path: part.path, expected: part.digest) }
        #expect(try world.sample.value("SELECT user_id FROM erasures") == "u1", "it is under way")
        let outcome = try await world.sample.erasure(of: "u1", try world.sample.store()).run()
        #expect(outcome.isComplete)
        #expect(try world.sample.places(of: "u1") == [])
    }
}
