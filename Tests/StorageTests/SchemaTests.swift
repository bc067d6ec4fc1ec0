import Foundation
import GRDB
import Migrations
import TestSupport
import Testing

/// schema.sql and the numbered files: that they make the same database, however and however often they are run.
@Suite struct SchemaTests {
    private let scratch: ScratchFolder
    /// What schema.sql makes.
    private let wanted: Set<String>

    init() throws {
        scratch = try ScratchFolder()
        wanted = try SchemaFacts.all(try scratch.make(named: "wanted.db", try SQLScript("schema.sql").text))
    }

    /// Fails with the facts that only one side has.
    private func expectWanted(_ path: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let found = try SchemaFacts.all(path)
        #expect(found.subtracting(wanted).sorted() == [], "more than schema.sql makes", sourceLocation: sourceLocation)
        #expect(wanted.subtracting(found).sorted() == [], "less than schema.sql makes", sourceLocation: sourceLocation)
    }

    @Test func `the numbered files add up to the schema file`() throws {
        #expect(wanted.count > 300, "the comparison compares something")
        let texts = try SQLScript.numbered.map { try SQLScript($0).text }
        try expectWanted(try scratch.make(named: "added.db", texts.joined(separator: "\n")))
    }

    @Test func `a migrated new file is what the schema file makes`() async throws {
        let path = scratch.path("migrated.db")
        #expect(try await migrate(path) == MigrationFile.all.map(\.name))
        try expectWanted(path)
    }

    @Test func `a difference in a column, an index, a check, a trigger, a view or a row is found`() throws {
        let text = try SQLScript("schema.sql").text
        let changes = [
            ("title         TEXT,", "title         TEXT NOT NULL DEFAULT '',"),
            ("ON messages (user_id)", "ON messages (user_id DESC)"),
            ("BETWEEN 0 AND 100)", "BETWEEN 0 AND 101)"),
            ("AFTER DELETE ON usage_logs", "BEFORE DELETE ON usage_logs"),
            ("COUNT(DISTINCT user_id) AS unique_users", "COUNT(user_id) AS unique_users"),
            ("0.00059, 0.00079", "0.00059, 0.0008"),
            ("ON DELETE CASCADE", "ON DELETE RESTRICT"),
            ("INTEGER PRIMARY KEY AUTOINCREMENT", "INTEGER PRIMARY KEY"),
        ]
        for (number, change) in changes.enumerated() {
            let changed = text.replacingOccurrences(of: change.0, with: change.1)
            try #require(changed != text, "the schema file no longer says \(change.0)")
            let path = try scratch.make(named: "changed-\(number).db", changed)
            #expect(try SchemaFacts.all(path) != wanted, "\(change.1) went unseen")
        }
    }

    @Test func `every file may run twice`() throws {
        let whole = try SQLScript("schema.sql").text
        try expectWanted(try scratch.make(named: "twice.db", whole, whole))
        let steps = try SQLScript.numbered.map { try SQLScript($0).text }
        try expectWanted(try make("each-twice.db", steps.flatMap { [$0, $0] }))
        try expectWanted(try make("all-twice.db", steps + steps))
        // schema.sql after the migrations, as someone may do who is not sure
        try expectWanted(try make("on-top.db", steps + [whole]))
    }

    private func make(_ name: String, _ texts: [String]) throws -> String {
        try scratch.make(named: name, texts.joined(separator: "\n"))
    }

    @Test func `every single statement may run twice`() throws {
        for (number, names) in [["schema.sql"], SQLScript.numbered].enumerated() {
            let statements = try names.flatMap { try SQLScript($0).statements }
            #expect(statements.count > 60)
            let path = try scratch.make(
                named: "statements-\(number).db", statements.flatMap { [$0, $0] }.joined(separator: "\n"))
            try expectWanted(path)
        }
    }

    @Test func `the statements of a file are all of its text`() throws {
        for name in SQLScript.all {
            let script = try SQLScript(name)
            #expect(SQLTokens(script.statements.joined()).text == SQLTokens(script.text).text, "\(name)")
        }
    }

    @Test func `the sqlite3 shell makes the same database, from either side, and twice`() async throws {
        for names in [["schema.sql"], SQLScript.numbered] {
            let path = scratch.path("shell-\(names.count).db")
            for name in names + names {
                let shell = try await SQLiteShell.run(try SQLScript(name).text, on: path)
                #expect(shell.status == 0 && shell.errors == "", "\(name): \(shell.errors)")
            }
            // The first file again brings back the indexes that the second drops; the second again drops them.
            try expectWanted(path)
        }
    }

    @Test func `the setup files run twice in the sqlite3 shell, before and after the second migration`() async throws {
        for names in [Array(SQLScript.numbered.prefix(1)), SQLScript.numbered] {
            let path = try scratch.make(
                named: "setup-\(names.count).db", try names.map { try SQLScript($0).text }.joined())
            for name in SQLScript.setup + SQLScript.setup {
                let shell = try await SQLiteShell.run(try SQLScript(name).text, on: path)
                #expect(shell.status == 0 && shell.errors == "", "\(name): \(shell.errors)")
            }
        }
    }

    @Test func `run_migrations tells what is present, and how it was recorded`() async throws {
        let script = try SQLScript("migrations/run_migrations.sql").text
        let path = try scratch.make(try SQLScript(SQLScript.numbered[0]).text)
        let before = try await SQLiteShell.run(script, on: path).output
        #expect(before.contains("001_initial_schema|present|15 of 15|nothing to do"))
        #expect(before.contains("002_exact_rollup|missing|0 of 6|run migrations/002_exact_rollup.sql"))
        #expect(before.contains("001_initial_schema|recorded by a shell: tallyd migrate fills the checksum in|"))
        #expect(before.contains("002_exact_rollup|not recorded|"))
        #expect(before.contains("schema_version|1.0.0"))
        try await migrate(path)
        let after = try await SQLiteShell.run(script, on: path).output
        #expect(after.contains("002_exact_rollup|present|6 of 6|nothing to do"))
        #expect(after.contains("001_initial_schema|recorded by tallyd|"))
        #expect(after.contains("002_exact_rollup|recorded by tallyd|"))
        #expect(after.contains("schema_version|1.7.0"))
    }

    @Test func `the binary carries the files that stand in the checkout`() throws {
        #expect(MigrationFile.all.map { "migrations/\($0.name).sql" } == SQLScript.numbered)
        #expect(MigrationFile.all.map(\.number) == [1, 2, 3, 4, 5, 6, 7, 8])
        for (file, name) in zip(MigrationFile.all, SQLScript.numbered) {
            #expect(Data(file.bytes) == (try SQLScript.bytes(name)), "\(name)")
        }
        #expect(SetupFile.schema == (try SQLScript("schema.sql").text))
        #expect(SetupFile.developmentSeed == (try SQLScript("migrations/dev_seed.sql").text))
        #expect(SetupFile.productionSetup == (try SQLScript("migrations/prod_setup.sql").text))
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../migrations")
            .standardized
        let numbered = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            .filter { $0.prefix(3).allSatisfy(\.isNumber) }
        #expect(numbered.sorted().map { "migrations/\($0)" } == SQLScript.numbered, "a file that nobody embeds")
    }
}
