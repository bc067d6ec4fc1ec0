import Storage
import Testing

@testable import Daemon

@Suite struct ArchiveSettingsTests {
    private static let directory = ["TALLYD_ARCHIVE_DIRECTORY": "/data/archive"]

    private static func problems(_ variables: [String: String]) -> [String] {
        SettingsTests.problems(SettingsTests.database.merging(variables) { $1 })
    }

    @Test func `usage alone is archived unless other tables are named`() throws {
        let some = try Settings(environment: SettingsTests.database.merging(Self.directory) { $1 })
        #expect(some.retention.policies.archiveTables == [.usageLogs])
        #expect(some.retention.archiveCommand == nil)
        #expect(some.retention.archiveCommandTimeout == .seconds(600))
        let more = try Settings(
            environment: SettingsTests.database.merging(Self.directory) { $1 }.merging([
                "TALLYD_ARCHIVE_TABLES": "conversations, usage_logs"
            ]) { $1 })
        #expect(more.retention.policies.archiveTables == [.usageLogs, .conversations])
        #expect(
            more.listing.entries.first { $0.name == "TALLYD_ARCHIVE_TABLES" }?.value == "usage_logs,conversations")
    }

    @Test(arguments: [
        ("usage_log", "names no table with a policy; did you mean usage_logs?"),
        ("usage_logs,,audit_logs", "has a comma too many; write names with one comma between two"),
        ("usage_logs,", "has a comma too many; write names with one comma between two"),
    ])
    func `a list that names something else is refused`(text: String, sentence: String) {
        let problems = Self.problems(Self.directory.merging(["TALLYD_ARCHIVE_TABLES": text]) { $1 })
        #expect(problems == ["TALLYD_ARCHIVE_TABLES=\(text) \(sentence)"])
    }

    @Test func `what has no effect is refused`() {
        let none = "has no effect while TALLYD_ARCHIVE_DIRECTORY is not set; set it, or remove"
        #expect(
            Self.problems(["TALLYD_ARCHIVE_TABLES": "usage_logs"]) == [
                "TALLYD_ARCHIVE_TABLES \(none) TALLYD_ARCHIVE_TABLES"
            ])
        #expect(
            Self.problems(["TALLYD_ARCHIVE_COMMAND": "/bin/a"]) == [
                "TALLYD_ARCHIVE_COMMAND \(none) TALLYD_ARCHIVE_COMMAND"
            ])
        #expect(
            Self.problems(Self.directory.merging(["TALLYD_ARCHIVE_COMMAND_TIMEOUT": "5m"]) { $1 }) == [
                "TALLYD_ARCHIVE_COMMAND_TIMEOUT=5m has no effect while TALLYD_ARCHIVE_COMMAND is not set; set it, or remove it"
            ])
        #expect(
            Self.problems(
                Self.directory.merging([
                    "TALLYD_ARCHIVE_COMMAND": "/bin/a", "TALLYD_ARCHIVE_COMMAND_TIMEOUT": "2h",
                ]) { $1 }) == [
                    "TALLYD_ARCHIVE_COMMAND_TIMEOUT=2h is longer than TALLYD_RETENTION_RUN_LIMIT=1h, so that the run would end first; "
                        + "write 1h or less, or a longer limit"
                ])
    }
}
