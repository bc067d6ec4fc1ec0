import Foundation
import GRDB
import Migrations
import Storage
import TestSupport
import Testing

/// What is not migrated: each with its kind, a sentence that says what to do, and not a byte changed.
@Suite struct `Migrator tests of refusal` {
    private let scratch: ScratchFolder

    init() throws { scratch = try ScratchFolder() }

    /// What is in the folder, without the files that come and go beside an open database in WAL mode.
    private func files() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: scratch.url.path)
            .filter { !$0.hasSuffix("-wal") && !$0.hasSuffix("-shm") }.sorted()
    }

    private func expectRefusal(
        _ path: String, _ kind: StorageError.Kind, saying words: String...,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let before = try? Data(contentsOf: URL(filePath: path))
        let names = try files()
        let error = await #expect(throws: StorageError.self, sourceLocation: sourceLocation) {
            _ = try await Migrator(store: try Store(path: path)).migrate()
        }
        #expect(error?.kind == kind, "\(error?.description ?? "")", sourceLocation: sourceLocation)
        let sentence = error?.description ?? ""
        #expect(sentence.contains(path), sourceLocation: sourceLocation)
        for word in words { #expect(sentence.contains(word), "\(sentence)", sourceLocation: sourceLocation) }
        #expect(error?.remedy.hasSuffix(".") == true, sourceLocation: sourceLocation)
        #expect((try? Data(contentsOf: URL(filePath: path))) == before, "bytes changed", sourceLocation: sourceLocation)
        #expect(try files() == names, "files came or went", sourceLocation: sourceLocation)
    }

    @Test(arguments: ["1.7.1", "1.8.0", "1.10.0", "2.0.0", "2"])
    func `a newer schema version`(version: String) async throws {
        let path = try FieldDatabase.make(
            in: scratch, edit: "UPDATE schema_metadata SET value = '\(version)' WHERE key = 'schema_version'")
        try await expectRefusal(path, .newerSchema, saying: version, "1.7.0", "Install", "nothing was changed")
    }

    @Test func `an unknown migration on record`() async throws {
        let path = try scratch.make(
            try SQLScript(SQLScript.numbered[0]).text,
            "INSERT INTO schema_migrations (migration_name, checksum) VALUES ('999_from_the_future', '')")
        try await expectRefusal(path, .newerSchema, saying: "999_from_the_future", "Install", "nothing was changed")
    }

    @Test(arguments: MigrationFile.all.map(\.name))
    func `a landed migration with another text`(name: String) async throws {
        let path = try FieldDatabase.make(in: scratch)
        try await migrate(path)
        let other = String(repeating: "0123456789abcdef", count: 4)
        try scratch.make("UPDATE schema_migrations SET checksum = '\(other)' WHERE migration_name = '\(name)'")
        try await expectRefusal(
            path, .changedMigration, saying: name, "0123456789ab", "never edited", "nothing was changed")
    }

    @Test func `a checksum in capitals is the same checksum`() async throws {
        let path = try FieldDatabase.make(in: scratch)
        try await migrate(path)
        try scratch.make("UPDATE schema_migrations SET checksum = UPPER(checksum)")
        #expect(try await migrate(path) == [])
    }

    @Test(arguments: ["WAL", "DELETE"])
    func `a database of something else`(journal: String) async throws {
        let path = try scratch.make(
            journal: journal, "CREATE TABLE bookmarks (url TEXT PRIMARY KEY)",
            "INSERT INTO bookmarks VALUES ('https://example.org')")
        try await expectRefusal(path, .notAUsageDatabase, saying: "usage_logs", "TALLYD_DATABASE", "--database")
    }

    @Test(arguments: ["hello", String(repeating: "this is no database\n", count: 1000)])
    func `a text file`(text: String) async throws {
        let path = scratch.path("notes.txt")
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        try await expectRefusal(path, .notADatabase, saying: "TALLYD_DATABASE", "--database")
    }

    @Test func `a folder`() async throws {
        let path = scratch.path("folder")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try await expectRefusal(path, .notADatabase, saying: "folder", "Name the database file")
        #expect(try FileManager.default.contentsOfDirectory(atPath: path) == [])
    }

    @Test func `a missing file, which is not made`() async throws {
        try await expectRefusal(scratch.path("none.db"), .missing, saying: "no such file", "tallyd migrate --database")
        try await expectRefusal(scratch.path("no/such/folder.db"), .missing, saying: "no such file")
    }

    @Test(arguments: [0.9, 0.5, 0.05])
    func `a truncated file`(part: Double) async throws {
        let path = try FieldDatabase.make(in: scratch)
        let whole = try Data(contentsOf: URL(filePath: path))
        let pages = Int(Double(whole.count) * part) / 4096
        try whole.prefix(max(pages, 1) * 4096).write(to: URL(filePath: path))
        try await expectRefusal(path, .corrupt, saying: "damaged or cut short", "backup")
    }

    @Test(arguments: [50, 100, 1000])
    func `a file cut within its first page`(bytes: Int) async throws {
        let path = try FieldDatabase.make(in: scratch)
        try Data(contentsOf: URL(filePath: path)).prefix(bytes).write(to: URL(filePath: path))
        let error = await #expect(throws: StorageError.self) {
            _ = try await Migrator(store: try Store(path: path)).migrate()
        }
        #expect(error?.kind == .notADatabase || error?.kind == .corrupt, "\(error?.description ?? "")")
        #expect(try Data(contentsOf: URL(filePath: path)).count == bytes)
    }

    @Test func `a file that is empty is a new database`() async throws {
        let path = scratch.path()
        try Data().write(to: URL(filePath: path))
        #expect(try await migrate(path).count == MigrationFile.all.count)
    }
}
