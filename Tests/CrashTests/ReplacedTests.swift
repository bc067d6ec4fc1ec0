import Foundation
import GRDB
import TestSupport
import Testing

extension CrashTests {
    /// A database whose file is taken away from under a daemon.
    struct ReplacedTests {
        /// So that the daemon looks every few hundred milliseconds.
        private static let hurried = Workplace.hurried.merging(["WATCHDOG_USEC": "1800000"]) { $1 }

        private func insert(_ place: Workplace, _ request: String) throws {
            try place.execute(
                "INSERT INTO usage_logs (user_id, request_id, model, input_tokens, cost) VALUES ('ann', '\(request)', 'm', 1, 0.1)"
            )
        }

        private func backup(of place: Workplace) async throws -> String {
            let path = place.folder.appending(path: "backup.db").path
            let copy = try await ToolRun.run("sqlite3", [place.database, ".backup '\(path)'"])
            try #require(copy.status == 0, "\(copy.errors)")
            return path
        }

        /// As somebody restores it by hand.
        private func remove(_ place: Workplace) throws {
            for suffix in ["", "-wal", "-shm"] {
                let path = place.database + suffix
                if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
            }
        }

        @Test func `a backup that is put in its place ends the daemon, and the next one counts in that`() async throws {
            let place = try await Workplace.migrated()
            try insert(place, "kept")
            let daemon = try place.daemon(Self.hurried)
            try #require(await daemon.says("rolled up"), "\(daemon.errors)")
            let backup = try await backup(of: place)
            try insert(place, "lost")
            try remove(place)
            try FileManager.default.moveItem(atPath: backup, toPath: place.database)
            #expect(await daemon.ending(within: .seconds(20)) == .exited(75), "\(daemon.errors)")
            #expect(daemon.errors.contains("another file has its name now"), "\(daemon.errors)")
            try insert(place, "new")
            let next = try place.daemon(Self.hurried)
            try #require(await next.says("  ready"), "\(next.errors)")
            next.send(SIGTERM)
            #expect(await next.ending(within: .seconds(10)) == .exited(0), "\(next.errors)")
            try await place.expectExactTotals()
            #expect(
                try place.read { db in try String.fetchAll(db, sql: "SELECT request_id FROM usage_logs") }.count == 2)
        }

        @Test func `one that is removed is told of, and waited for`() async throws {
            let place = try await Workplace.migrated()
            let daemon = try place.daemon(Self.hurried)
            try #require(await daemon.says("  ready"), "\(daemon.errors)")
            let backup = try await backup(of: place)
            try remove(place)
            try #require(await daemon.says("the database is gone"), "\(daemon.errors)")
            try FileManager.default.moveItem(atPath: backup, toPath: place.database)
            #expect(await daemon.ending(within: .seconds(20)) == .exited(75), "\(daemon.errors)")
        }

        @Test func `a daemon whose database is gone stops when it is told to`() async throws {
            let place = try await Workplace.migrated()
            let daemon = try place.daemon(Self.hurried)
            try #require(await daemon.says("  ready"), "\(daemon.errors)")
            try remove(place)
            try #require(await daemon.says("the database is gone"), "\(daemon.errors)")
            daemon.send(SIGTERM)
            #expect(await daemon.ending(within: .seconds(10)) == .exited(0), "\(daemon.errors)")
        }
    }
}
