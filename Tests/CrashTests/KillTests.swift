import Foundation
import GRDB
import TestSupport
import Testing

extension CrashTests {
    struct KillTests {
        /// How often the daemon is killed: 12 times, 200 in the long suite, or as TALLYD_TEST_KILLS says.
        private static var kills: Int {
            let variables = ProcessInfo.processInfo.environment
            return variables["TALLYD_TEST_KILLS"].flatMap { Int($0) }
                ?? (variables["TALLYD_TEST_LONG"] == "1" ? 200 : 12)
        }

        @Test func `kill -9 at random moments loses and doubles nothing`() async throws {
            let place = try await Workplace.migrated()
            let gateway = try place.gateway()
            var random = SplitMix64(for: "kill -9")
            let kills = Self.kills
            for kill in 1...max(kills, 1) {
                let daemon = try place.daemon()
                // The moment is what this test is about: from before the database is open to deep in the counting.
                let moment = Duration.milliseconds(Int.random(in: 20...700, using: &random))
                let early = await daemon.ending(within: moment)
                try #require(early == nil, "it ended by itself before kill \(kill): \(daemon.errors)")
                daemon.send(SIGKILL)
                let ending = await daemon.ending(within: .seconds(10))
                try #require(ending == .killed(signal: SIGKILL))
            }
            let counted = try place.cursor()
            await place.stop(gateway)
            try await place.expectExactTotals()

            #expect(counted > 0, "no daemon lived long enough to count anything, so this run has shown nothing")
            let crashes = try place.read { db in
                // The next daemon tries such a slot again.
                try Int.fetchOne(db, sql: "SELECT SUM(attempt - 1 + (state = 'crashed')) FROM job_runs")
            }
            print("kill -9: \(kills) kills, \(crashes ?? 0) of them in a run, \(counted) rows counted between them")
            if kills >= 12 { #expect(crashes ?? 0 > 0, "no kill met a run, so this run has shown little") }
        }
    }
}
