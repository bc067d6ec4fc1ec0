import Foundation

/// The distribution's sqlite3 shell: another SQLite than ours may be, in another process.
struct SQLiteShell {
    let output: String
    let errors: String
    let status: Int32

    /// Feeds the text to `sqlite3 -bail PATH`, as `sqlite3 -bail usage.db < file` does.
    static func run(_ sql: String, on path: String) async throws -> SQLiteShell {
        let base = path + ".shell-\(UUID().uuidString)"
        let files = ["in", "out", "err"].map { base + "." + $0 }
        defer { for file in files { try? FileManager.default.removeItem(atPath: file) } }
        try sql.write(toFile: files[0], atomically: false, encoding: .utf8)
        for file in files.dropFirst() { try Data().write(to: URL(filePath: file)) }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        // No init file: what a person set in their ~/.sqliterc is none of the test's business.
        process.arguments = ["sqlite3", "-init", "/dev/null", "-batch", "-bail", path]
        // Files and not pipes, which would have to be emptied while the shell writes.
        process.standardInput = try FileHandle(forReadingFrom: URL(filePath: files[0]))
        process.standardOutput = try FileHandle(forWritingTo: URL(filePath: files[1]))
        process.standardError = try FileHandle(forWritingTo: URL(filePath: files[2]))
        let status: Int32 = try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do {
                try process.run()
            } catch {
                process.terminationHandler = nil
                continuation.resume(throwing: error)
            }
        }
        return SQLiteShell(
            output: try String(contentsOfFile: files[1], encoding: .utf8),
            errors: try String(contentsOfFile: files[2], encoding: .utf8), status: status)
    }
}
