import Foundation
import GRDB
import Storage
import TestSupport
import Testing

@testable import Migrations

/// A migration that ends in the middle: a shell's, which commits each statement, and our own, which is one transaction.
@Suite struct `Migrator tests of interruption` {
    private let scratch: ScratchFolder

    init() throws { scratch = try ScratchFolder() }

    @Test func `a second migration broken off by a shell between any two statements is finished, with nothing lost`()
        async throws
    {
        let base = try FieldDatabase.make(in: scratch, "base.db")
        let before = try FieldDatabase.contents(base)
        let statements = try SQLScript(SQLScript.numbered[1]).statements
        let whole = try scratch.copy(base, as: "whole.db")
        try await migrate(whole)
        let wanted = try SchemaFacts.all(whole)
        // 001 by hand first, or not at all, as someone may have forgotten it.
        for (count, first) in (0...statements.count).flatMap({ [($0, true), ($0, false)] })
        where first || count < statements.count {
            let path = try scratch.copy(base, as: "cut.db")
            let cut = (first ? [try SQLScript(SQLScript.numbered[0]).text] : []) + statements.prefix(count)
            #expect(try await SQLiteShell.run(cut.joined(separator: "\n"), on: path).status == 0)
            try await migrate(path)
            for (table, rows) in try FieldDatabase.contents(path) {
                #expect(rows == before[table], "\(table), broken off after \(count) statements")
            }
            #expect(try SchemaFacts.all(path) == wanted, "broken off after \(count) statements")
        }
    }

    @Test func `a shell that was broken off finishes by starting over`() async throws {
        let base = try FieldDatabase.make(in: scratch, "base.db")
        let before = try FieldDatabase.contents(base)
        let texts = try SQLScript.numbered.map { try SQLScript($0).text }
        let statements = SQLScript(text: texts.joined(separator: "\n")).statements
        for count in 0...statements.count {
            let path = try scratch.copy(base, as: "cut.db")
            try scratch.make(named: "cut.db", statements.prefix(count).joined(separator: "\n"), texts[0], texts[1])
            for (table, rows) in try FieldDatabase.contents(path) {
                #expect(rows == before[table], "\(table), broken off after \(count) statements")
            }
        }
    }

    @Test func `a first migration broken off by a shell is finished as well`() async throws {
        let statements = try SQLScript(SQLScript.numbered[0]).statements
        let whole = scratch.path("whole.db")
        try await migrate(whole)
        let wanted = try SchemaFacts.all(whole)
        for count in 0..<statements.count {
            let path = try scratch.make(named: "cut-\(count).db", statements.prefix(count).joined(separator: "\n"))
            try await migrate(path)
            let found = try SchemaFacts.all(path)
            #expect(wanted.subtracting(found).sorted() == [], "broken off after \(count) statements")
            #expect(found.subtracting(wanted).sorted() == [], "broken off after \(count) statements")
        }
    }

    /// A migration of the test's own, after the real ones.
    private func next(_ sql: String) -> [MigrationFile] {
        MigrationFile.all + [
            MigrationFile(
                number: MigrationFile.all.count + 1, name: "999_test", version: "9.9.9", bytes: Array(sql.utf8))
        ]
    }

    @Test func `a migration that fails midway leaves nothing`() async throws {
        let path = try FieldDatabase.make(in: scratch)
        try await migrate(path)
        let (before, history) = (try SchemaFacts.all(path), try FieldDatabase.checksums(path))
        let good = """
            CREATE TABLE IF NOT EXISTS extra (id INTEGER PRIMARY KEY, note TEXT);
            INSERT INTO extra (note) SELECT flag_name FROM feature_flags;
            """
        let error = await #expect(throws: StorageError.self) {
            try await migrate(path, files: next(good + "DELETE FROM feature_flags; INSERT INTO nowhere VALUES (1);"))
        }
        #expect(error?.kind == .failed)
        #expect(error?.description.contains("999_test") == true)
        #expect(error?.description.contains("nowhere") == true)
        #expect(try SchemaFacts.all(path) == before)
        #expect(try FieldDatabase.checksums(path) == history)
        #expect(try await migrate(path, files: next(good)) == ["999_test"], "the mended file runs")
        #expect(try value("SELECT COUNT(*) FROM extra", in: path) ?? 0 > 0)
    }

    @Test(arguments: ["", "DEFERRABLE INITIALLY DEFERRED"])
    func `a migration that would break a foreign key is refused`(deferring: String) async throws {
        let path = try FieldDatabase.make(in: scratch)
        try await migrate(path)
        let before = try SchemaFacts.all(path)
        let error = await #expect(throws: StorageError.self) {
            try await migrate(
                path,
                files: next(
                    """
                    CREATE TABLE attachment (id INTEGER PRIMARY KEY, message_id TEXT REFERENCES messages (id) \(deferring));
                    INSERT INTO attachment (message_id) VALUES ('m1'), ('none');
                    """))
        }
        #expect(error?.kind == .failed)
        // SQLite refuses the one at its statement; the other is found before the commit, by our own check.
        let words = deferring.isEmpty ? "FOREIGN KEY constraint failed" : "it would leave 1 broken foreign keys"
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
        #expect(try SchemaFacts.all(path) == before)
    }

    @Test func `a foreign key that was broken before is no reason to refuse`() async throws {
        let path = try FieldDatabase.make(
            in: scratch,
            edit: """
                PRAGMA foreign_keys = OFF;
                INSERT INTO messages (id, conversation_id, user_id, role, content) VALUES ('lost', 'none', 'u', 'user', '')
                """)
        #expect(try await migrate(path).count == MigrationFile.all.count)
        #expect(try value("SELECT COUNT(*) FROM messages WHERE id = 'lost'", in: path) == 1)
    }

    @Test func `a second migration does nothing, and writes nothing`() async throws {
        let path = try FieldDatabase.make(in: scratch)
        #expect(try await migrate(path).count == MigrationFile.all.count)
        let observer = try DatabaseQueue(path: path)
        let version = { try observer.read { db in try Int.fetchOne(db, sql: "PRAGMA data_version") } }
        let before = try version()
        #expect(try await migrate(path) == [])
        #expect(try await Migrator(store: try Store(path: path)).status().isCurrent)
        #expect(try version() == before)
        try await observer.write { db in try db.execute(sql: "UPDATE feature_flags SET conditions = '1'") }
        let own = try version()
        try scratch.make("UPDATE feature_flags SET conditions = '2'")
        #expect(try version() != own, "another connection's write is seen by this measure")
    }

    @Test func `looking at the status writes nothing`() async throws {
        let path = try FieldDatabase.make(in: scratch)
        let before = try Data(contentsOf: URL(filePath: path))
        let status = try await Migrator(store: try Store(path: path)).status()
        #expect(!status.isCurrent && !status.isEmpty)
        #expect(try Data(contentsOf: URL(filePath: path)) == before)
    }
}
