import Foundation
import GRDB
import Migrations
import Testing

extension CrashTests {
    /// What a service manager hears.
    struct ReadinessTests {
        @Test func `READY comes after the migration, then pings, then STOPPING first thing on SIGTERM`() async throws {
            let place = try Workplace()
            let first = try #require(MigrationFile.all.first)
            try place.execute(first.sql)
            let manager = try NotifySocket(in: place.folder)
            let daemon = try place.daemon(
                Workplace.hurried.merging(["NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "900000"]) { $1 })

            try #require(await manager.line("READY=1") != nil, "\(daemon.errors)")
            let version = try place.read { db in
                try String.fetchOne(db, sql: "SELECT value FROM schema_metadata WHERE key = 'schema_version'")
            }
            #expect(version == MigrationFile.all.last?.version)
            let before = manager.lines.all.prefix { $0 != "READY=1" }
            #expect(before.contains("STATUS=running migration 002_exact_rollup"), "\(before)")
            #expect(await manager.line("STATUS=rolled up to row ") != nil)

            // Ten pings, 300 ms apart, are more than three of the windows in which one is due.
            var heard = manager.lines.all.count
            for _ in 0..<10 {
                try #require(await manager.line("WATCHDOG=1", after: heard, within: .milliseconds(900)) != nil)
                heard = manager.lines.all.count
            }

            daemon.send(SIGTERM)
            #expect(await manager.line("STOPPING=1", after: heard) != nil)
            #expect(await daemon.ending(within: .seconds(1)) == .exited(0), "\(daemon.errors)")
            #expect(manager.lines.all.count { $0 == "READY=1" } == 1)
            #expect(manager.lines.all.dropFirst(heard).first { $0 != "WATCHDOG=1" } == "STOPPING=1")
        }

        @Test func `a daemon that cannot serve never says READY and says why`() async throws {
            let place = try Workplace()
            let manager = try NotifySocket(in: place.folder)
            let daemon = try place.daemon(["NOTIFY_SOCKET": manager.path])
            #expect(await daemon.ending(within: .seconds(20)) == .exited(66))
            #expect(await manager.line("STATUS=cannot open \(place.database): there is no such file") != nil)
            #expect(await manager.line("ERRNO=") != nil)
            #expect(!manager.lines.all.contains("READY=1"))
        }
    }
}
