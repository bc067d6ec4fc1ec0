import Foundation
import GRDB
import Scheduling
import TestSupport
import Testing

@testable import Storage

/// A database that nobody has open, with rows of several tables, much of them removed again, and things of its owner's beside them.
final class CompactionSample {
    private let sample: SampleDatabase
    var path: String { sample.path }
    var folder: URL { sample.folder }
    static let now = Instant(milliseconds: 1_795_000_000_000)

    init(seed: UInt64, autoVacuum: FileSpace.AutoVacuum = .none) async throws {
        sample = try SampleDatabase()
        var oracle = Oracle()
        try sample.fill(300, seed: seed, into: &oracle)
        try await sample.rollUp()
        var random = SplitMix64(seed: seed)
        // One row in four or fewer stays: SQLite joins a page with its neighbours when it is less than a third full (balance() in btree.c), and
        // half full pages, which one row in two or three may leave, free next to none.
        let (rows, kept) = (Int.random(in: 2_000...4_000, using: &random), Int.random(in: 4...9, using: &random))
        try sample.execute(
            #"""
            CREATE TABLE "owner's ""own""" (name TEXT PRIMARY KEY, payload BLOB) WITHOUT ROWID;
            CREATE TABLE numbers (id INTEGER PRIMARY KEY AUTOINCREMENT, value);
            CREATE INDEX numbers_value ON numbers (value) WHERE value IS NOT NULL;
            CREATE VIEW odd_numbers AS SELECT value FROM numbers WHERE id % 2 = 1;
            CREATE TRIGGER numbers_copy AFTER DELETE ON numbers
            BEGIN
              INSERT INTO "owner's ""own""" VALUES (old.id, randomblob(3));
            END;
            INSERT INTO numbers (value) VALUES (NULL), (1), (2.5), ('three'), (x'04'), (9223372036854775807);
            DELETE FROM numbers WHERE id = 6;
            PRAGMA user_version = -7;
            PRAGMA application_id = 123456789;
            """#)
        try sample.execute(
            """
            WITH RECURSIVE counter (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < ?)
            INSERT INTO audit_logs (id, user_id, action, resource_type, metadata)
            SELECT 'a' || n, 'u' || n % 7, 'x', 'y', hex(randomblob(100)) FROM counter
            """, [rows])
        try sample.execute("DELETE FROM audit_logs WHERE CAST(substr(id, 2) AS INTEGER) % ? <> 0", [kept])
        if autoVacuum != .none {
            try sample.execute("PRAGMA auto_vacuum = \(autoVacuum.word)")
            try sample.execute("VACUUM")
            try sample.execute("DELETE FROM audit_logs WHERE rowid % 3 <> 0")
        }
        try sample.gateway.close()
    }

    /// Opens it, asks, and closes it again.
    func ask<T>(_ question: (Database) throws -> T) throws -> T {
        let queue = try DatabaseQueue(path: path)
        let answer = try queue.writeWithoutTransaction(question)
        try queue.close()
        return answer
    }

    func space() throws -> FileSpace { try ask { db in try FileSpace.read(db) } }

    func pragma(_ name: String) throws -> String? { try ask { try String.fetchOne($0, sql: "PRAGMA \(name)") } }

    /// All of it as text, as another SQLite says it, but for the lines that compacting itself adds.
    func dump() async throws -> [String] {
        let shell = try await SQLiteShell.run(".dump\n", on: path)
        try #require(shell.status == 0, "\(shell.errors)")
        return Self.lines(shell)
    }

    /// Sorted: VACUUM writes the schema's indexes before its views and triggers, in whatever order they were made.
    static func lines(_ shell: SQLiteShell) -> [String] {
        shell.output.split(separator: "\n").map(String.init).filter { !$0.contains("'database.compacted'") }.sorted()
    }

    /// Names in its folder, but for the lock's.
    func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    }

    /// Nothing lies beside it, it is in WAL mode and whole, and holds what it held.
    func expectWhole(_ content: [String], _ about: String = "", _ location: SourceLocation = #_sourceLocation)
        async throws
    {
        #expect(try names() == ["usage.db"], "\(about)", sourceLocation: location)
        #expect(try pragma("journal_mode") == "wal", "\(about)", sourceLocation: location)
        #expect(try pragma("integrity_check") == "ok", "\(about)", sourceLocation: location)
        #expect(try await dump() == content, "\(about)", sourceLocation: location)
    }
}
