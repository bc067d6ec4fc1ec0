import Foundation
import GRDB
import TestSupport
import Testing

extension CrashTests {
    /// `tallyd compact` as a process: killed, stopped, and beside others that have the file open.
    struct CompactTests {
        /// With many rows, of which two in three are gone again.
        private func place(rows: Int) async throws -> Workplace {
            let place = try await Workplace.migrated()
            let queue = try place.connect()
            try await queue.writeWithoutTransaction { db in
                try db.execute(
                    sql: """
                        WITH RECURSIVE counter (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < ?)
                        INSERT INTO usage_logs (user_id, request_id, model, input_tokens, cost, error_message)
                        SELECT 'u' || n % 50, 'r' || n, 'm' || n % 5, n % 1000, 0.000001 * n, hex(randomblob(60)) FROM counter
                        """, arguments: [rows])
                try db.execute(sql: "DELETE FROM usage_logs WHERE id % 3 <> 0")
            }
            try queue.close()
            let counting = try await place.tallyd("rollup", "run")
            try #require(counting.status == 0, "\(counting.errors)")
            return place
        }

        /// What must not change: every table's rows, as a sum over their text, but for the audit rows of compacting.
        private func content(_ place: Workplace) throws -> [String: Int64] {
            let queue = try place.connect()
            let content: [String: Int64] = try queue.read { db in
                #expect(try String.fetchOne(db, sql: "PRAGMA integrity_check") == "ok")
                let tables = try String.fetchAll(
                    db,
                    sql:
                        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('audit_logs', 'tallyd_lease')"
                )
                var sums: [String: Int64] = [:]
                for table in tables {
                    var sum: Int64 = 0
                    let rows = try Row.fetchCursor(db, sql: "SELECT * FROM \(table.quotedDatabaseIdentifier)")
                    while let row = try rows.next() {
                        let text = row.databaseValues.map(\.description).joined(separator: "|")
                        // FNV-1a, added up: the order of rows is no part of the content.
                        sum &+= Int64(
                            bitPattern: text.utf8.reduce(0xCBF2_9CE4_8422_2325) {
                                ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3
                            })
                    }
                    sums[table] = sum
                }
                sums["schema"] = try Int64.fetchOne(db, sql: "SELECT SUM(length(sql)) FROM sqlite_schema")
                return sums
            }
            try queue.close()
            return content
        }

        private func bytes(_ place: Workplace) throws -> Int {
            try Data(contentsOf: URL(filePath: place.database), options: .alwaysMapped).count
        }

        private func leftovers(_ place: Workplace) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: place.folder.path).filter { $0.contains("compacting") }
        }

        @Test func `kill -9 at random moments leaves the old file or the new one, whole`() async throws {
            let place = try await place(rows: 120_000)
            let before = try content(place)
            let look = try await place.tallyd("compact", "--dry-run", "--json").json()
            let large = try #require(look["bytes"] as? Int)
            var random = SplitMix64(for: "kill -9 of compact")
            var ends = (killed: 0, done: 0, replaced: 0)
            // Until one got to its end nobody knows how long this machine takes: within 900 ms a fast one was done before each of ten kills.
            var longest = Duration.milliseconds(900)
            for round in 1...12 {
                // Free pages again for the next one, in a table that is not compared.
                try place.execute(
                    """
                    WITH RECURSIVE counter (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < 2000)
                    INSERT INTO audit_logs (id, user_id, action, resource_type, metadata)
                    SELECT 'f' || n, 'u', 'x', 'y', hex(randomblob(500)) FROM counter
                    """)
                try place.execute("DELETE FROM audit_logs WHERE action = 'x'")
                let old = try inode(place)
                let child = try place.start(.tallyd, ["compact", "--database", place.database])
                let began = ContinuousClock.now
                let wait = Int64.random(in: 5...max(10, Int64(longest / .milliseconds(1))), using: &random)
                if await child.ending(within: .milliseconds(wait)) == nil {
                    child.send(SIGKILL)
                } else {
                    longest = min(longest, .now - began)
                }
                let ending = await child.ending(within: .seconds(60))
                if ending == .exited(0) { ends.done += 1 } else { ends.killed += 1 }
                #expect(ending == .exited(0) || ending == .killed(signal: SIGKILL), "\(child.errors)")
                if try inode(place) != old { ends.replaced += 1 }
                #expect(try content(place) == before, "round \(round)")
            }
            print("kill -9 of compact: \(ends)")
            #expect(ends.killed > 0 && ends.replaced >= ends.done)
            let last = try await place.tallyd("compact", "--json")
            #expect(last.status == 0, "\(last.errors)")
            #expect(try content(place) == before)
            #expect(try leftovers(place).isEmpty)
            #expect(try bytes(place) < large / 2)
            #expect(try last.json()["bytes_after"] as? Int == bytes(place))
            try await place.expectExactTotals()
        }

        private func inode(_ place: Workplace) throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: place.database)[.systemFileNumber] as? Int
        }

        @Test(arguments: [SIGINT, SIGTERM])
        func `a signal ends it with the file as it was`(signal: Int32) async throws {
            let place = try await place(rows: 200_000)
            let before = try content(place)
            let old = try inode(place)
            let child = try place.start(.tallyd, ["compact", "--database", place.database])
            let copy = place.database + ".compacting"
            for _ in 0..<2_000 where !FileManager.default.fileExists(atPath: copy) {
                try await Task.sleep(for: .milliseconds(2))
            }
            child.send(signal)
            let ending = await child.ending(within: .seconds(60))
            // It may just have been done.
            #expect(ending == .exited(128 + signal) || ending == .exited(0), "\(child.errors)")
            if ending != .exited(0) {
                #expect(try inode(place) == old)
                #expect(child.errors == "tallyd: stopped; the database is as it was")
                #expect(try place.read { try String.fetchOne($0, sql: "PRAGMA journal_mode") } == "wal")
            }
            #expect(try content(place) == before)
            #expect(try leftovers(place).isEmpty)
        }

        @Test func `beside a daemon or a gateway it is refused, naming them, and they go on`() async throws {
            let place = try await place(rows: 1_000)
            let daemon = try place.daemon()
            try #require(await daemon.says("  ready"), "\(daemon.errors)")
            let refusal = try await place.tallyd("compact")
            #expect(refusal.status == 75)
            #expect(refusal.errors.contains("tallyd run, process \(daemon.process) has it"), "\(refusal.errors)")
            #expect(refusal.errors.contains("`systemctl stop tallyd`"))
            daemon.send(SIGTERM)
            #expect(await daemon.ending(within: .seconds(20)) == .exited(0))

            let gateway = try place.gateway()
            try await Task.sleep(for: .milliseconds(300))
            let look = try await place.tallyd("compact", "--dry-run")
            #expect(look.status == 0)
            #expect(
                look.output.contains("in the way: gateway-sim (process \(gateway.process)) has it open"),
                "\(look.output)")
            let second = try await place.tallyd("compact")
            #expect(second.status == 75)
            #expect(second.errors.contains("gateway-sim (process \(gateway.process)) has it open"), "\(second.errors)")
            await place.stop(gateway)
            let third = try await place.tallyd("compact", "--auto-vacuum", "incremental")
            #expect(third.status == 0, "\(third.errors)")
            #expect(third.output.contains("auto_vacuum is incremental"))
            try await place.expectExactTotals()
        }

        /// As somebody who may read and write the file, and yet not give another one to its owner or replace it.
        @Test(.enabled(if: geteuid() == 0))
        func `a user who can't keep the owner, or may not write the folder, is refused`() async throws {
            let place = try await place(rows: 1_000)
            let before = try content(place)
            let program = place.folder.appending(path: "tallyd").path
            // In another process: what this one has open for writing, a child of another test's may have, too, and then it is "text file busy".
            let copy = try await ToolRun.run("cp", [Binary.tallyd.path, program])
            try #require(copy.status == 0, "\(copy.errors)")
            let nobody = [
                "--reuid=65534", "--regid=65534", "--clear-groups", program, "compact", "--database", place.database,
            ]
            for (mode, sentence) in [
                (0o777, "the copy can't be given to its owner, user 0 and group 0"),
                (0o755, "it or its folder may not be written"),
            ] {
                for name in try FileManager.default.contentsOfDirectory(atPath: place.folder.path) {
                    chmod(place.folder.appending(path: name).path, 0o777)
                }
                chmod(place.folder.path, mode_t(mode))
                let run = try await ToolRun.run("setpriv", nobody)
                #expect(run.status == 77, "\(run.errors)")
                #expect(run.errors.contains(sentence), "\(run.errors)")
                #expect(try content(place) == before)
                #expect(try leftovers(place).isEmpty)
            }
        }
    }
}
