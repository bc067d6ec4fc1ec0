import Foundation
import GRDB
import Scheduling
import Storage
import Testing

/// Archives of every table with a policy: what goes stands in one, whatever fails meanwhile, and comes back as it was.
@Suite struct RowArchiveTests {
    private static let others = RetentionTable.allCases.filter { $0 != .usageLogs }

    @Test func `rows of every table go by archives of their days, and come back as they were`() async throws {
        let world = try await ArchiveWorld()
        let before = try world.rows()
        let outcome = try await world.run()
        #expect(outcome.tables.compactMap(\.failure) == [])
        for table in ArchiveWorld.tables { #expect(try world.old(table) == 0, "\(table)") }
        #expect(try await world.lost(of: before) == [])
        let parts = try await world.parts()
        #expect(Set(parts.map(\.table)) == Set(ArchiveWorld.tables))
        #expect(parts.allSatisfy { $0.usedAt != nil && $0.takenAt == nil && $0.place == .here })
        #expect(parts.filter { $0.table == "audit_logs" }.map(\.day.description) == (10...12).map { "2026-11-\($0)" })
        #expect(parts.filter { $0.table == "audit_logs" }.map(\.digest.rows) == [2, 1, 1])
        #expect(parts.filter { $0.table == "messages" }.map(\.digest.rows) == [1, 2, 3])
        for part in parts {
            #expect(part.path == "\(world.folder)/\(part.table)/\(part.day).jsonl.zst")
            #expect(try ArchiveSidecar.read(for: part.path).table == part.table)
        }
        // Nothing more to do.
        #expect(try await world.run().removed == 0)
        #expect(try await world.parts().count == parts.count)

        let store = try world.sample.store()
        for table in RetentionTable.allCases {
            let mine = try await world.parts([table])
            let restored = try await ArchiveRestore(into: store).restore(mine, isOrigin: true)
            #expect(restored.restored == mine.reduce(0) { $0 + Int($1.digest.rows) }, "\(table)")
        }
        let after = try world.rows()
        for (table, rows) in before {
            for (id, row) in rows { #expect(after[table]?[id] == row, "\(table) \(id)") }
        }
        // What was set aside is judged, and set aside, again.
        try await world.sample.rollUp()
        #expect(Set(try world.sample.rejects().values) == ["time_unreadable"])
        #expect(try world.sample.rejects().count == 3)
    }

    @Test func `the share of a table's archives that is asked for is listed`() async throws {
        let world = try await ArchiveWorld()
        _ = try await world.run()
        #expect(Set(try await world.parts([.conversations]).map(\.table)) == ["conversations", "messages"])
        #expect(Set(try await world.parts([.rejects]).map(\.table)) == ["usage_rejects"])
    }

    @Test(arguments: others)
    func `whichever file operation fails, each row is in its table or in an archive`(table: RetentionTable) async throws
    {
        let world = try await ArchiveWorld()
        let before = try world.rows()
        var call = 0
        var isOver = false
        while !isOver, call < 400 {
            call += 1
            let faulty = FaultyFiles(.allFrom(call, code: call % 2 == 0 ? ENOSPC : EIO), longestTransfer: 256)
            let outcome = try await world.run([table], files: faulty.files)
            isOver = faulty.struck == nil
            #expect(try await world.lost(of: before) == [], "call \(call), \(faulty.struck ?? "none")")
            if isOver { #expect(outcome.tables.first?.failure == nil) }
        }
        #expect(isOver && call > 10)
        #expect(try await world.run([table]).tables.first?.failure == nil)
        #expect(try await world.run([table]).removed == 0)
    }

    @Test(arguments: RetentionTable.allCases)
    func `whichever statement fails, each row is in its table or in an archive`(table: RetentionTable) async throws {
        let world = try await ArchiveWorld()
        let before = try world.rows()
        var number = 0
        var isOver = false
        while !isOver, number < 2_000 {
            number += 1
            let fault = StatementFault(number)
            // A bite a row, so that a run is cut between any two.
            _ = try? await world.run([table], prepare: { fault.watch($0) }, steps: Allowance.Steps { true })
            isOver = !fault.hasStruck
            #expect(try await world.lost(of: before) == [], "statement \(number)")
        }
        #expect(isOver)
        _ = try await world.run([table])
        #expect(try await world.run([table]).removed == 0)
        #expect(try await world.lost(of: before) == [])
    }

    @Test func `a row that is corrected between its archive and its end is archived anew`() async throws {
        let world = try await ArchiveWorld()
        let sample = world.sample
        // As the command is run, each table's file is written and no row is gone.
        let handover = ArchiveHandover { file, _ in
            if file.day == Day("2026-11-10"), file.part == 1, file.path.hasSuffix(".zst") {
                try sample.execute("UPDATE audit_logs SET action = 'later' WHERE id = 'a0'")
                try sample.execute("UPDATE messages SET content = 'later' WHERE id = 'c1m0'")
            }
            return .taken
        }
        let outcome = try await world.run([.auditLogs, .conversations], handover: handover)
        #expect(outcome.tables.compactMap(\.failure) == [])
        #expect(try world.old("audit_logs") == 0)
        #expect(try world.old("messages") == 0)
        let archived = try await world.archived()
        #expect(archived["audit_logs"]?.contains { $0["id"] == "'a0'" && $0["action"] == "'later'" } == true)
        #expect(archived["messages"]?.contains { $0["id"] == "'c1m0'" && $0["content"] == "'later'" } == true)
        // It comes back as it was last.
        _ = try await ArchiveRestore(into: try sample.store()).restore(try await world.parts(), isOrigin: true)
        #expect(try sample.value("SELECT action FROM audit_logs WHERE id = 'a0'") == "later")
        #expect(try sample.value("SELECT content FROM messages WHERE id = 'c1m0'") == "later")
    }

    @Test func `held rows stay, in no archive, and go when they are released`() async throws {
        let world = try await ArchiveWorld()
        try world.sample.execute("UPDATE messages SET user_id = 'other' WHERE id = 'c2m0'")
        let before = try world.rows()
        let holds = RetentionHolds(store: try world.sample.store())
        var ids: [Int64] = []
        for user in ["u1", "odd1", "other"] {
            let scope = RetentionHolds.Scope(user: user)
            ids.append(try await holds.add(scope, reason: "case", endsAt: nil, now: ArchiveWorld.now).id)
        }
        for _ in 0..<3 { _ = try await world.run() }
        let after = try world.rows()
        for (table, rows) in before {
            for (id, row) in rows where ["'u1'", "'odd1'", "'other'"].contains(row["user_id"]) {
                #expect(after[table]?[id] == row, "\(table) \(id)")
            }
        }
        #expect(after["conversations"]?["'c2'"] != nil, "a message of it is held")
        #expect(try await world.archived().values.joined().allSatisfy { $0["user_id"] != "'u1'" })
        // What is held is not archived over and over.
        #expect(try await world.parts().allSatisfy { $0.part == 1 })
        for id in ids { _ = try await holds.release(id, now: ArchiveWorld.now) }
        _ = try await world.run()
        for table in ArchiveWorld.tables { #expect(try world.old(table) == 0, "\(table)") }
        #expect(try await world.lost(of: before) == [])
    }

    @Test func `a conversation that is taken up again stays, with what is left of it`() async throws {
        let world = try await ArchiveWorld()
        let sample = world.sample
        let before = try world.rows()
        let handover = ArchiveHandover { file, _ in
            if file.table == "conversations", file.path.hasSuffix(".zst"), file.day == Day("2026-11-12") {
                try sample.execute(
                    """
                    INSERT INTO messages (id, conversation_id, user_id, role, content, created_at)
                    VALUES ('new', 'c3', 'u1', 'user', 'again', '2026-11-20 11:00:00')
                    """)
            }
            return .taken
        }
        _ = try await world.run([.conversations], handover: handover)
        #expect(try sample.value("SELECT COUNT(*) FROM messages WHERE conversation_id = 'c3'") == 4)
        #expect(try sample.value("SELECT COUNT(*) FROM conversations") == 2)
        #expect(try await world.lost(of: before) == [])
    }

    @Test func `a key that is NULL, or a table rebuilt by VACUUM, leads to no other row`() async throws {
        let world = try await ArchiveWorld()
        let sample = world.sample
        for text in ["one", "two", "two"] {
            try sample.execute(
                "INSERT INTO audit_logs (id, user_id, action, resource_type, created_at) VALUES (NULL, 'n', ?, 'y', '2026-11-11')",
                [text])
        }
        let handover = ArchiveHandover { file, _ in
            if file.day == Day("2026-11-10") {
                try sample.execute("DELETE FROM audit_logs WHERE id = 'a0'")
                try sample.execute("VACUUM")
            }
            return .taken
        }
        let outcome = try await world.run([.auditLogs], handover: handover)
        #expect(outcome.tables.first?.failure == nil)
        #expect(try world.old("audit_logs") == 0)
        #expect(try world.sample.value("SELECT COUNT(*) FROM audit_logs WHERE id = 'a4'") == 1)
        #expect(try await world.parts().filter { $0.day == Day("2026-11-11") }.map(\.digest.rows) == [4])
    }

    @Test func `what is noted of a row that somebody removed goes without an archive`() async throws {
        let world = try await ArchiveWorld()
        try world.sample.execute("UPDATE rollup_state SET purging = 1")
        try world.sample.execute("DELETE FROM usage_logs WHERE created_at = 'yesterday'")
        try world.sample.execute("UPDATE rollup_state SET purging = 0")
        _ = try await world.run([.rejects])
        #expect(try world.sample.rejects().isEmpty)
        #expect(try await world.parts().isEmpty)
    }
}
