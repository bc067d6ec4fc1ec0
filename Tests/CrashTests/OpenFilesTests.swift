import Foundation
import Testing

extension CrashTests {
    /// The limit on open files, of which each webhook under way takes one.
    struct OpenFilesTests {
        /// The soft limit of a process on its open files.
        private func limit(of process: pid_t) throws -> Int? {
            let limits = try String(contentsOfFile: "/proc/\(process)/limits", encoding: .utf8)
            let line = limits.split(separator: "\n").first { $0.hasPrefix("Max open files") }
            return line?.split(separator: " ").dropFirst(3).first.flatMap { Int($0) }
        }

        @Test func `a daemon asks for as many as its webhooks need, and no setting is cut`() async throws {
            let place = try await Workplace.migrated()
            let daemon = try place.daemon(["TALLYD_WEBHOOK_IN_FLIGHT": "3500"], ulimit: "-Sn 256")
            try #require(await daemon.says("ready"), "\(daemon.errors)")
            // 500 over http, eight for each of 256 endpoints, and 256 for all else.
            #expect(try limit(of: daemon.process) == 500 + 8 * 256 + 256)
            daemon.send(SIGTERM)
            #expect(await daemon.ending(within: .seconds(5)) == .exited(0), "\(daemon.errors)")
            #expect(!daemon.errors.contains("fewer webhooks"), "\(daemon.errors)")
        }

        @Test func `where it may not have them, fewer webhooks go at once and it says what to do`() async throws {
            let place = try await Workplace.migrated()
            let daemon = try place.daemon(["TALLYD_WEBHOOK_IN_FLIGHT": "3500"], ulimit: "-n 1024")
            try #require(await daemon.says("ready"), "\(daemon.errors)")
            #expect(try limit(of: daemon.process) == 1_024)
            daemon.send(SIGTERM)
            #expect(await daemon.ending(within: .seconds(5)) == .exited(0), "\(daemon.errors)")
            let warning = try #require(
                daemon.errors.split(separator: "\n").first { $0.contains("fewer webhooks can be under way at once") })
            #expect(warning.contains("in_flight=2688"), "\(warning)")
            #expect(warning.contains("raise the hard limit to 2804"), "\(warning)")
        }
    }
}
