import Foundation
import Storage
import Testing

/// What a store that came to rest leaves of the process's memory.
@Suite struct `Store memory` {
    /// Pages of the program's own code that this process has mapped, in kilobytes (proc_pid_smaps(5)).
    private func mappedCode() throws -> Int {
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        var kilobytes = 0
        var isCode = false
        for line in try String(contentsOfFile: "/proc/self/smaps", encoding: .utf8).split(separator: "\n") {
            let fields = line.split(separator: " ")
            if fields.count >= 6, fields[0].contains("-") {
                isCode = fields[1] == "r-xp" && line.hasSuffix(program)
            } else if isCode, fields.first == "Rss:" {
                kilobytes += Int(fields[1]) ?? 0
            }
        }
        return kilobytes
    }

    @Test func `pages of code that only earlier work needed are let go, and come back when they are used`() async throws
    {
        let sample = try SampleDatabase()
        try sample.insert()
        let store = try sample.store()
        #expect(try await store.answers())
        let before = try mappedCode()
        await store.releaseMemory()
        let after = try mappedCode()
        // Other tests run beside this one and touch theirs again at once.
        #expect(after < before)
        #expect(try await store.answers())
        #expect(try sample.value("SELECT COUNT(*) FROM usage_logs") == 1)
    }
}
