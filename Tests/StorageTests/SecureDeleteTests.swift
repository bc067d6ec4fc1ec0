import Foundation
import GRDB
import Storage
import Testing

/// What becomes of content that the writer deletes.
@Suite struct `Secure delete` {
    @Test func `the writer does as it is told, also from one moment to the next`() async throws {
        let sample = try SampleDatabase()
        let store = try Store(path: sample.path, pace: Pace(secureDelete: .on))
        func present() async throws -> Int? {
            try await store.writer.write("ask") { db, _ in try Int.fetchOne(db, sql: "PRAGMA secure_delete") }
        }
        #expect(try await present() == 1)
        for (word, number) in [(SecureDelete.off, 0), (SecureDelete.fast, 2), (SecureDelete.on, 1)] {
            store.writer.change(to: Pace(secureDelete: word))
            #expect(try await present() == number)
        }
        #expect(Pace().secureDelete == .fast)
    }

    @Test(arguments: SecureDelete.allCases)
    func `what is removed can be found in the file, unless it is overwritten`(word: SecureDelete) async throws {
        let sample = try SampleDatabase()
        let mark = "a word that stands nowhere else"
        try sample.execute(
            """
            WITH RECURSIVE counter (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < 2000)
            INSERT INTO audit_logs (id, user_id, action, resource_type, metadata)
            SELECT 'a' || n, 'u', 'x', 'y', ? FROM counter
            """, [String(repeating: mark, count: 10)])
        try sample.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        let store = try Store(path: sample.path, pace: Pace(secureDelete: word))
        try await store.writer.write("purge") { db, _ in try db.execute(sql: "DELETE FROM audit_logs") }
        try sample.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        let bytes = try Data(contentsOf: URL(filePath: sample.path))
        #expect((bytes.range(of: Data(mark.utf8)) == nil) == (word == .on))
    }
}
