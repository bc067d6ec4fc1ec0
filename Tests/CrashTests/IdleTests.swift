import Foundation
import GRDB
import Testing

extension CrashTests {
    struct IdleTests {
        @Test func `an idle daemon writes nothing to its database`() async throws {
            let place = try await Workplace.migrated()
            let sample = try await place.finish(
                .gateway, ["generate", "--database", place.database, "--rows", "2000", "--days", "3"])
            try #require(sample.status == 0, "\(sample.errors)")
            let manager = try NotifySocket(in: place.folder)
            let daemon = try place.daemon(
                Workplace.hurried.merging([
                    "NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "3000000", "TALLYD_METRICS_INTERVAL": "1h",
                ]) { $1 })
            let counted = await manager.lines.first(within: .seconds(60)) {
                $0.hasPrefix("STATUS=rolled up to row 2000 ") && $0.contains("nothing waits")
            }
            try #require(counted != nil, "\(manager.lines.all) \(daemon.errors)")

            // The first reading of an hour comes at once.
            var readings = 0
            for _ in 0..<200 where readings == 0 {
                readings =
                    try place.read { db in
                        try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM job_runs WHERE job = 'system_metrics'")
                    } ?? 0
                if readings == 0 { try await Task.sleep(for: .milliseconds(100)) }
            }
            try #require(readings == 1, "\(daemon.errors)")

            let stranger = try place.connect()
            func version() throws -> Int? {
                try stranger.unsafeRead { try Int.fetchOne($0, sql: "PRAGMA data_version") }
            }
            func bytes(_ ending: String) throws -> Data { try Data(contentsOf: URL(filePath: place.database + ending)) }
            let before = (try version(), try bytes(""), try bytes("-wal"))
            // Its pings, one a second, tell that it lives; it looks for work as often.
            var heard = manager.lines.all.count
            for _ in 0..<4 {
                try #require(await manager.line("WATCHDOG=1", after: heard) != nil, "\(daemon.errors)")
                heard = manager.lines.all.count
            }
            #expect(try version() == before.0)
            #expect(try bytes("") == before.1)
            #expect(try bytes("-wal") == before.2)

            // And what it writes would have been seen: a connection's data_version changes with the others' commits only, so not with this one.
            try await stranger.write { db in
                try db.execute(
                    sql: "INSERT INTO usage_logs (user_id, request_id, model) VALUES ('ada', 'after', 'alpha')")
            }
            #expect(await manager.line("STATUS=rolled up to row 2001 ", after: heard) != nil)
            #expect(try version() != before.0)
            #expect(try bytes("-wal") != before.2)
            daemon.send(SIGTERM)
            #expect(await daemon.ending(within: .seconds(1)) == .exited(0), "\(daemon.errors)")
        }
    }
}
