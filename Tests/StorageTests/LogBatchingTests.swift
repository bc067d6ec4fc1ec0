import Foundation
import GRDB
import TestSupport
import Testing

@testable import Storage

/// Real databases, whose commits are written in few pieces, as the sqlite3 shell sees them.
@Suite struct `Commits in few pieces` {
    /// A database, and beside it what should be in it.
    private final class World {
        let folder: URL
        let path: String
        let queue: DatabaseQueue
        var model: [Int: Int] = [:]
        var random: SplitMix64
        let cachePages: Int

        init(page: Int, cachePages: Int) throws {
            self.cachePages = cachePages
            random = SplitMix64(for: "Commits in few pieces, pages of \(page) bytes, \(cachePages) in memory")
            folder = FileManager.default.temporaryDirectory.appending(path: "tallyd-batching-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            path = folder.appending(path: "log.db").path
            // A store of any database installs what is tried here.
            _ = try SampleDatabase().store()
            var configuration = Configuration()
            configuration.allowsUnsafeTransactions = true
            queue = try DatabaseQueue(path: path, configuration: configuration)
            try queue.inDatabase { db in
                try db.execute(sql: "PRAGMA page_size = \(page); PRAGMA journal_mode = WAL")
                // Few pages in memory: a transaction spills into the log before its commit.
                try db.execute(sql: "PRAGMA cache_size = \(cachePages); PRAGMA wal_autocheckpoint = 50")
                try db.execute(
                    sql: "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER NOT NULL, filling BLOB NOT NULL)")
            }
        }

        deinit {
            try? queue.close()
            try? FileManager.default.removeItem(at: folder)
        }

        func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

        /// Some rows, each written over or removed.
        func change(_ db: Database, _ count: Int) throws {
            for _ in 0..<count {
                let id = pick(1...400)
                if pick(0...5) == 0 {
                    try db.execute(sql: "DELETE FROM t WHERE id = ?", arguments: [id])
                    model[id] = nil
                } else {
                    let number = pick(1...1_000_000)
                    try db.execute(
                        sql: "INSERT OR REPLACE INTO t VALUES (?, ?, randomblob(?))",
                        arguments: [id, number, pick(1...1_500)])
                    model[id] = number
                }
            }
        }

        /// Changes in one transaction, with parts of it taken back; committed as the polite writer commits, or rolled back.
        func transact() throws {
            let before = model
            try queue.inDatabase { db in
                try db.execute(sql: "BEGIN IMMEDIATE")
                try change(db, pick(0...60))
                // Not where it spills: with its own files, too, SQLite 3.40.1 then wrote a log that a recovery could not read to its end (4 of
                // 12 runs of this test). tallyd has no savepoints.
                if cachePages > 100, pick(0...2) == 0 {
                    let kept = model
                    try db.execute(sql: "SAVEPOINT part")
                    try change(db, pick(1...60))
                    try db.execute(sql: "ROLLBACK TO part; RELEASE part")
                    model = kept
                    try change(db, pick(0...20))
                }
                if pick(0...4) == 0 {
                    try db.execute(sql: "ROLLBACK")
                    model = before
                } else {
                    try LogBatching.committing(db) { try db.execute(sql: "COMMIT") }
                }
                #expect(LogBatching.applies(to: db))
            }
        }

        var expected: String {
            "\(model.count)|\(model.reduce(0) { $0 + $1.key * 7 + $1.value })|ok"
        }

        /// What another program finds, which has SQLite's own files.
        func found(in path: String) throws -> String {
            let run = try ToolRun(
                "sqlite3",
                [
                    path, ".timeout 5000",
                    "SELECT count(*), coalesce(sum(id * 7 + n), 0), (SELECT * FROM pragma_integrity_check) FROM t",
                ])
            #expect(run.status == 0, "\(run.errors)")
            return run.output.trimmingCharacters(in: .whitespacesAndNewlines)
        }

        /// As after a loss of power, or of the process: the two files, and no index of the log.
        func foundAfterCrash() throws -> String {
            let copy = folder.appending(path: "copy-\(UUID().uuidString).db").path
            for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: path + suffix) {
                // By another process: closing the file here would let go of SQLite's locks on it.
                #expect(try ToolRun("cp", [path + suffix, copy + suffix]).status == 0)
            }
            return try found(in: copy)
        }
    }

    @Test(arguments: [512, 4_096, 65_536], [4, 2_000])
    func `others and a recovery find each commit, whole`(page: Int, cachePages: Int) throws {
        let world = try World(page: page, cachePages: cachePages)
        for round in 0..<25 {
            for _ in 0...world.pick(0...3) { try world.transact() }
            #expect(try world.foundAfterCrash() == world.expected, "round \(round)")
            #expect(try world.found(in: world.path) == world.expected, "round \(round)")
            // Another program's commit, behind ours in the same log.
            if world.pick(0...1) == 0 {
                let id = world.pick(1...400)
                let run = try ToolRun(
                    "sqlite3",
                    [world.path, ".timeout 5000", "INSERT OR REPLACE INTO t VALUES (\(id), 5, zeroblob(3000))"])
                #expect(run.status == 0)
                world.model[id] = 5
            }
        }
    }

    @Test func `the polite writer's commits are written so`() async throws {
        let store = try SampleDatabase().store()
        #expect(try await store.writer.write("try") { db, _ in LogBatching.applies(to: db) })
    }

    @Test func `a database without a log is written as ever`() throws {
        _ = try SampleDatabase().store()
        let queue = try DatabaseQueue()
        try queue.inDatabase { db in
            try db.execute(sql: "CREATE TABLE t (n); BEGIN; INSERT INTO t VALUES (1)")
            #expect(!LogBatching.applies(to: db))
            try LogBatching.committing(db) { try db.execute(sql: "COMMIT") }
            #expect(try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM t") == 1)
        }
    }

    @Test(.enabled(if: SmallVolume.isPossible, "needs to mount a volume"))
    func `a commit for which the volume has no room fails, and leaves nothing`() throws {
        _ = try SampleDatabase().store()
        let folder = FileManager.default.temporaryDirectory.appending(path: "tallyd-batching-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let volume = try SmallVolume(in: folder)
        let path = volume.path + "/log.db"
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        try queue.inDatabase { db in
            try db.execute(sql: "PRAGMA journal_mode = WAL; CREATE TABLE t (n INTEGER, filling BLOB)")
            // All of it in memory until the commit.
            try db.execute(sql: "PRAGMA cache_size = -20000")
            for megabytes in [3, 5, 1] {
                try db.execute(sql: "BEGIN IMMEDIATE")
                try db.execute(
                    sql: """
                        WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
                        INSERT INTO t SELECT n, randomblob(3000) FROM numbers
                        """, arguments: [megabytes * 300])
                do {
                    try LogBatching.committing(db) { try db.execute(sql: "COMMIT") }
                    #expect(megabytes == 1)
                } catch let error as DatabaseError {
                    #expect(error.resultCode == .SQLITE_FULL)
                    #expect(megabytes > 1)
                    if db.isInsideTransaction { try db.execute(sql: "ROLLBACK") }
                }
            }
            #expect(try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM t") == 300)
            #expect(try String.fetchOne(db, sql: "PRAGMA integrity_check") == "ok")
        }
        let run = try ToolRun("sqlite3", [path, "SELECT COUNT(*), (SELECT * FROM pragma_integrity_check) FROM t"])
        #expect(run.output == "300|ok\n")
        try queue.close()
    }
}
