import Foundation
import GRDB
import Migrations
import Testing

extension CrashTests {
    /// How the binary ends and what it says when it cannot do what it was told.
    struct RefusalTests {
        @Test(arguments: [["run"], ["status"], ["report"], ["rollup", "verify"], ["migrate"], ["config", "check"]])
        func `a wrong setting ends every command with 78 and names what to write`(words: [String]) async throws {
            let place = try Workplace()
            let refusal = try await place.finish(
                .tallyd, words + ["--database", place.database], ["TALLYD_ROLLUP_INTERVAL": "30"])
            #expect(refusal.status == 78)
            #expect(refusal.errors == "tallyd: TALLYD_ROLLUP_INTERVAL=30 has no unit; write 30s or 30m")
            #expect(!FileManager.default.fileExists(atPath: place.database))
        }

        @Test(arguments: [["run"], ["config", "check"]])
        func `files of certificates that can't be read end a daemon and a check alike, each by its variable`(
            words: [String]
        ) async throws {
            let place = try Workplace()
            _ = try await place.tallyd("migrate")
            let files = ["CA_FILE", "CLIENT_CERTIFICATE", "CLIENT_KEY"].map { "TALLYD_WEBHOOK_\($0)" }
            let variables = Dictionary(uniqueKeysWithValues: files.map { ($0, "/nowhere/a.pem") })
            let refusal = try await place.finish(.tallyd, words + ["--database", place.database], variables)
            #expect(refusal.status == 78)
            for file in files { #expect(refusal.errors.contains("\(file)=/nowhere/a.pem "), "\(refusal.errors)") }
            let off = variables.merging(["TALLYD_WEBHOOKS": "off"]) { $1 }
            #expect(
                try await place.finish(.tallyd, ["config", "check", "--database", place.database], off).status == 0)
        }

        @Test func `an unknown setting ends with 78 and a guess, and its value is not shown`() async throws {
            let place = try Workplace()
            let refusal = try await place.tallyd("run", variables: ["TALLYD_ROLUP_INTERVAL": "hunter2"])
            #expect(refusal.status == 78)
            #expect(
                refusal.errors.contains("TALLYD_ROLUP_INTERVAL is no setting; did you mean TALLYD_ROLLUP_INTERVAL?"))
            #expect(!refusal.errors.contains("hunter2"))
        }

        @Test func `no database named at all ends with 78 and both ways to name one`() async throws {
            let place = try Workplace()
            let refusal = try await place.finish(.tallyd, ["run"])
            #expect(refusal.status == 78)
            #expect(refusal.errors.contains("TALLYD_DATABASE is not set"))
            #expect(refusal.errors.contains("--database"))
        }

        @Test(arguments: ["run", "status", "report"])
        func `a missing file ends with 66 and is not made`(word: String) async throws {
            let place = try Workplace()
            let refusal = try await place.tallyd(word)
            #expect(refusal.status == 66)
            #expect(refusal.errors.contains("cannot open \(place.database): there is no such file"))
            #expect(refusal.errors.contains("`tallyd migrate --database \(place.database)` makes a new one"))
            #expect(try FileManager.default.contentsOfDirectory(atPath: place.folder.path).isEmpty)
        }

        @Test(arguments: ["run", "status", "migrate"])
        func `a folder ends with 66 and the advice to name a file`(word: String) async throws {
            let place = try Workplace()
            let refusal = try await place.finish(.tallyd, [word, "--database", place.folder.path])
            #expect(refusal.status == 66)
            #expect(refusal.errors.contains("it is a folder. Name the database file in it."))
        }

        @Test(arguments: [".", "x"])
        func `a name of one letter is no crash`(name: String) async throws {
            let place = try Workplace()
            let refusal = try await place.finish(.tallyd, ["status", "--database", name], in: place.folder)
            #expect(refusal.status == 66, "\(refusal.ending)")
            #expect(refusal.errors.hasPrefix("tallyd: cannot open \(name)"))
        }

        @Test(arguments: ["run", "status", "migrate"])
        func `a text file ends with 66 and stays as it was`(word: String) async throws {
            let place = try Workplace()
            let text = Data(String(repeating: "This is a letter and no database.\n", count: 100).utf8)
            try text.write(to: URL(filePath: place.database))
            let refusal = try await place.tallyd(word)
            #expect(refusal.status == 66)
            #expect(refusal.errors.contains("it is not an SQLite database"))
            #expect(try Data(contentsOf: URL(filePath: place.database)) == text)
        }

        @Test(arguments: ["run", "status", "migrate"])
        func `a database of something else ends with 66 and stays as it was`(word: String) async throws {
            let place = try Workplace()
            try place.execute("CREATE TABLE recipes (name)")
            let refusal = try await place.tallyd(word)
            #expect(refusal.status == 66)
            #expect(refusal.errors.contains("no usage_logs"))
            let tables = try place.read { db in
                try String.fetchAll(db, sql: "SELECT name FROM sqlite_schema")
            }
            #expect(tables == ["recipes"])
        }

        @Test(arguments: ["status", "report"])
        func `a 1.0.0 database ends with 65 and names the command that helps`(word: String) async throws {
            let place = try Workplace()
            let first = try #require(MigrationFile.all.first)
            try place.execute(first.sql)
            let refusal = try await place.tallyd(word)
            #expect(refusal.status == 65)
            #expect(refusal.errors.contains("its schema is version 1.0.0"))
            #expect(refusal.errors.contains("Run `tallyd migrate --database \(place.database)`"))
        }

        @Test func `a word that is no command ends with 64`() async throws {
            let refusal = try await Workplace().finish(.tallyd, ["count"])
            #expect(refusal.status == 64)
            #expect(refusal.errors.contains("'count'"))
        }
    }
}
