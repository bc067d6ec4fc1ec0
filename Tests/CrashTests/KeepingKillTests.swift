import Foundation
import GRDB
import TestSupport
import Testing

extension CrashTests {
    /// What removes rows, killed in the middle: nothing goes that is not kept, and no total changes.
    struct KeepingKillTests {
        /// How many kills of each there are: 6, 100 in the long suite, or as TALLYD_TEST_KEEPING_KILLS says.
        private static var kills: Int {
            let variables = ProcessInfo.processInfo.environment
            return variables["TALLYD_TEST_KEEPING_KILLS"].flatMap { Int($0) }
                ?? (variables["TALLYD_TEST_LONG"] == "1" ? 100 : 6)
        }

        @Test func `kill -9 of a retention run loses no row that is not in an archive on record`() async throws {
            var killer = RandomKill(for: "kill -9 of retention")
            var (runs, purged) = (0, 0)
            while killer.kills < Self.kills {
                let place = try await Workplace.withUsage(rows: 9_000, users: 12)
                let before = try await place.keptRows().live
                let totals = try place.read { db in try PlainSums.counted(db) }
                while try await !killer.run(["jobs", "run", "retention"], in: place) {
                    #expect(try await place.keptRows().difference(from: before) == nil)
                    #expect(try place.read { db in try PlainSums.counted(db) } == totals)
                }
                // What the kills left is taken up by the next run, if the last one did not.
                let last = try await place.tallyd("jobs", "run", "retention", variables: place.archiving)
                #expect(last.status == 0, "\(last.errors)")
                let rows = try await place.keptRows()
                #expect(rows.difference(from: before) == nil)
                #expect(Set(rows.live.keys).isDisjoint(with: rows.archived.keys))
                #expect(try place.read { db in try PlainSums.counted(db) } == totals)
                try await expectWhole(place)
                purged += rows.archived.count
                runs += 1
            }
            print("kill -9 of retention: \(killer.kills) kills, \(runs) databases, \(purged) rows archived and gone")
            #expect(purged > 0)
        }

        @Test func `kill -9 of an erasure keeps every total, and the next one ends it`() async throws {
            var killer = RandomKill(for: "kill -9 of an erasure")
            let users = 12
            let place = try await Workplace.withUsage(rows: 9_000, users: users)
            let purge = try await place.tallyd("jobs", "run", "retention", variables: place.archiving)
            try #require(purge.status == 0, "\(purge.errors)")
            let before = try await place.keptRows().all
            let totals = try place.read { db in try Self.byDayAndModel(db) }
            var erased = 0
            // Somebody new for each, since who is erased is gone: those with the least usage first.
            for number in (1...users).reversed() where killer.kills < Self.kills || erased == 0 {
                let user = "user-\(String(repeating: "0", count: number < 10 ? 4 : 3))\(number)"
                while try await !killer.run(["erase", "--user", user], in: place) {
                    try await expectWhole(place)
                    // A change that is noted and not counted yet belongs to the sums as well.
                    let counting = try await place.tallyd("rollup", "run")
                    #expect(counting.status == 0, "\(counting.errors)")
                    #expect(try place.read { db in try Self.byDayAndModel(db) } == totals)
                }
                erased += 1
                try await expectGone(user, erased, place)
            }
            let after = try await place.keptRows().all
            #expect(after.count == before.count)
            for (id, row) in before {
                let kept = after[id]
                #expect(
                    kept?.cost == row.cost && kept?.tokens == row.tokens && kept?.createdAt == row.createdAt,
                    "row \(id)")
            }
            #expect(try place.read { db in try Self.byDayAndModel(db) } == totals)
            print("kill -9 of an erasure: \(killer.kills) kills, \(erased) persons")
        }

        /// What no erasure changes.
        private static func byDayAndModel(_ db: Database) throws -> [String: [Int64]] {
            var sums: [String: [Int64]] = [:]
            for (key, sum) in try PlainSums.counted(db) {
                let values = [
                    sum.requests, sum.successes, sum.inputTokens, sum.outputTokens, sum.totalTokens,
                    sum.recordedNanos, sum.latencyMilliseconds,
                ]
                sums["\(key.day) \(key.model)", default: values.map { _ in 0 }] = zip(
                    sums["\(key.day) \(key.model)"] ?? values.map { _ in 0 }, values
                ).map { $0 + $1 }
            }
            return sums
        }

        private func expectWhole(_ place: Workplace) async throws {
            let archives = try await place.tallyd("archive", "verify", variables: place.archiving)
            #expect(archives.status == 0, "\(archives.output) \(archives.errors)")
            let totals = try await place.tallyd("rollup", "verify")
            #expect(totals.status == 0, "\(totals.output) \(totals.errors)")
        }

        /// Nowhere in the database, in no archive, and no file is left beside those on record.
        private func expectGone(_ user: String, _ erased: Int, _ place: Workplace) async throws {
            try await expectWhole(place)
            let dump = try await ToolRun.run("sqlite3", [place.database, ".dump"])
            #expect(dump.status == 0 && !dump.output.contains(user), "\(user) is in the database")
            let rows = try await place.keptRows().archived
            #expect(!rows.values.contains { $0.user == user }, "\(user) is in an archive")
            let (ended, files) = try place.read { db in
                (
                    try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM erasures WHERE ended_at_ms IS NOT NULL"),
                    try String.fetchAll(db, sql: "SELECT path FROM archives")
                )
            }
            #expect(ended == erased)
            let folder = place.archive.appending(path: "usage_logs").path
            let found = try FileManager.default.contentsOfDirectory(atPath: folder).map { "\(folder)/\($0)" }
            #expect(Set(found) == Set(files + files.map { $0 + ".json" }))
        }
    }
}
