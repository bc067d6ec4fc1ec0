import Foundation
import GRDB
import Testing

extension CrashTests {
    /// What becomes of a daemon while another program holds the database's write lock: a VACUUM, an index that is being made, a forgotten transaction.
    struct LockedTests {
        /// Every third of it is a ping due.
        private static let window = ["WATCHDOG_USEC": "900000"]

        /// A connection that may keep a transaction open.
        private func holder(_ place: Workplace) throws -> DatabaseQueue {
            var configuration = Configuration()
            configuration.allowsUnsafeTransactions = true
            configuration.busyMode = .timeout(5)
            return try DatabaseQueue(path: place.database, configuration: configuration)
        }

        @Test func `a lock that lasts holds up no ping, and what came before it counts afterwards`() async throws {
            let place = try await Workplace.migrated()
            let manager = try NotifySocket(in: place.folder)
            let daemon = try place.daemon(
                Workplace.hurried.merging(Self.window) { $1 }.merging(["NOTIFY_SOCKET": manager.path]) { $1 })
            try #require(await manager.line("READY=1") != nil, "\(daemon.errors)")
            let other = try holder(place)
            try await other.writeWithoutTransaction { db in
                // At once, so that the daemon finds the row and not the lock.
                try db.execute(
                    sql: """
                        INSERT INTO usage_logs (user_id, request_id, model, input_tokens, cost) VALUES ('ann', 'r', 'm', 1, 0.1);
                        BEGIN IMMEDIATE
                        """)
            }
            var heard = manager.lines.all.count
            for _ in 0..<10 {
                try #require(
                    await manager.line("WATCHDOG=1", after: heard, within: .milliseconds(900)) != nil,
                    "\(daemon.errors)")
                heard = manager.lines.all.count
            }
            #expect(try place.cursor() == 0, "it was quicker than the lock, so this has shown nothing")
            try await other.writeWithoutTransaction { db in try db.execute(sql: "COMMIT") }
            #expect(await daemon.says("rolled up"), "\(daemon.errors)")
            #expect(!daemon.errors.contains("loop is late"), "\(daemon.errors)")
            daemon.send(SIGTERM)
            #expect(await daemon.ending(within: .seconds(10)) == .exited(0), "\(daemon.errors)")
            try await place.expectExactTotals()
        }

        @Test func `a start waits for the lock, tells the manager, and can be stopped`() async throws {
            let place = try await Workplace.migrated()
            let other = try holder(place)
            try await other.writeWithoutTransaction { db in try db.execute(sql: "BEGIN IMMEDIATE") }
            let waiting = "STATUS=waiting for the database: another program holds its write lock"

            let first = try NotifySocket(in: place.folder)
            let stopped = try place.daemon(["NOTIFY_SOCKET": first.path])
            try #require(await first.line(waiting) != nil, "\(stopped.errors)")
            #expect(await first.line("EXTEND_TIMEOUT_USEC=60000000") != nil)
            stopped.send(SIGTERM)
            #expect(await stopped.ending(within: .seconds(1)) == .exited(0), "\(stopped.errors)")
            #expect(await first.line("STOPPING=1") != nil)
            #expect(!first.lines.all.contains("READY=1"))

            let folder = place.folder.appending(path: "second")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
            let second = try NotifySocket(in: folder)
            let daemon = try place.daemon(["NOTIFY_SOCKET": second.path])
            try #require(await second.line(waiting) != nil, "\(daemon.errors)")
            try await other.writeWithoutTransaction { db in try db.execute(sql: "ROLLBACK") }
            #expect(await second.line("READY=1") != nil, "\(daemon.errors)")
            daemon.send(SIGTERM)
            #expect(await daemon.ending(within: .seconds(10)) == .exited(0), "\(daemon.errors)")
        }
    }
}
