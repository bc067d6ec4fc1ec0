import Foundation
import TestSupport

/// The distribution's sqlite3 shell: another SQLite than ours may be, in another process.
struct SQLiteShell {
    let output: String
    let errors: String
    let status: Int32

    /// Feeds the text to `sqlite3 -bail PATH`, as `sqlite3 -bail usage.db < file` does.
    static func run(_ sql: String, on path: String) async throws -> SQLiteShell {
        // No init file: what a person set in their ~/.sqliterc is none of the test's business.
        let run = try await ToolRun.run(
            "sqlite3", ["-init", "/dev/null", "-batch", "-bail", path], input: Data(sql.utf8))
        return SQLiteShell(output: run.output, errors: run.errors, status: run.status ?? -1)
    }
}
