import Foundation
import TestSupport
import Testing

extension CrashTests {
    /// No slot lost and none run twice, whatever is killed, and when.
    struct SlotKillTests {
        /// How many kills there are: 16, 1,000 in the long suite, or as TALLYD_TEST_SLOT_KILLS says.
        private static var kills: Int {
            let variables = ProcessInfo.processInfo.environment
            return variables["TALLYD_TEST_SLOT_KILLS"].flatMap { Int($0) }
                ?? (variables["TALLYD_TEST_LONG"] == "1" ? 1_000 : 16)
        }

        private struct Result {
            var kills = 0
            var cut = 0
            var slots = 0
            var idle = 0
            var givenUp = 0
            var stops = 0
            var longestGap = Duration.zero

            mutating func add(_ other: Result) {
                kills += other.kills
                cut += other.cut
                slots += other.slots
                idle += other.idle
                givenUp += other.givenUp
                stops += other.stops
                longestGap = max(longestGap, other.longestGap)
            }
        }

        @Test func `kill -9 of two daemons on one database around the slots loses no slot and runs none twice`()
            async throws
        {
            var random = SplitMix64(for: "kill -9 around slots")
            let kills = max(1, Self.kills)
            // Most of the time passes in waiting for the next slot, so that several databases go side by side.
            let databases = kills < 100 ? 2 : 4
            // A lease takes 12 s to expire.
            let stops = max(1, kills / 100)
            let began = ContinuousClock().now
            let results = try await withThrowingTaskGroup(of: Result.self) { group in
                for index in 0..<databases {
                    let own = SplitMix64(seed: random.next())
                    let (kills, stops) = ((kills + index) / databases, (stops + index) / databases)
                    group.addTask { try await Self.siege(kills, stops: stops, own) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let total = results.reduce(into: Result()) { $0.add($1) }
            print(
                "kill -9 around slots: \(total.kills) kills on \(databases) databases, \(total.cut) met a run;",
                "\(total.stops) stops; \(total.slots) slots run, \(total.idle) found idle, \(total.givenUp) given up;",
                "longest takeover \(total.longestGap); took \(ContinuousClock().now - began)")
            #expect(total.longestGap <= .seconds(15))
            if kills >= 100 { #expect(total.cut > 0, "no kill met a run, so this run has shown little") }
        }

        private static func siege(_ kills: Int, stops: Int, _ seeded: SplitMix64) async throws -> Result {
            var random = seeded
            let place = try await Workplace.migrated()
            let gateway = try place.gateway()
            let pair = try await DaemonPair(place)
            var stopsLeft = stops
            while pair.kills < kills {
                // Spread evenly over the kills.
                if stopsLeft > 0, pair.kills * stops >= kills * (stops - stopsLeft) {
                    stopsLeft -= 1
                    try await pair.liveOn(for: moment(&random))
                    try await pair.suspend(thenKill: Bool.random(using: &random))
                    continue
                }
                let victims = victims(&random)
                // One time in six without waiting for the outcome.
                let delay = Duration.milliseconds(Int.random(in: 0...400, using: &random))
                let index = Int.random(in: 0...1, using: &random)
                let isHasty = Int.random(in: 0..<6, using: &random) == 0
                try await pair.liveOn(for: moment(&random))
                try await pair.kill(victims, again: isHasty ? (delay, index) : nil)
            }
            // Until whatever waits is made up for.
            try await pair.liveOn(for: .seconds(3))
            await pair.end()
            await place.stop(gateway)

            let ledger = try SlotLedger(place)
            let heard = pair.witness.heard
            try ledger.expectEverySlot(heard, pair.reigns, most: pair.kills + stops)
            ledger.expectOneWriteEach()
            // Only a daemon that lost its lease may complain.
            let errors = heard.errors.filter { !$0.contains("has taken over") }
            #expect(errors.isEmpty, "\(errors)")
            try await place.expectExactTotals()
            return Result(
                kills: pair.kills, cut: ledger.cut, slots: ledger.rollup.count,
                idle: heard.idle.subtracting(ledger.rollup.map(\.slot)).count, givenUp: ledger.givenUp,
                stops: stops, longestGap: pair.longestGap)
        }

        /// Mostly the one that serves.
        private static func victims(_ random: inout SplitMix64) -> [DaemonPair.Victim] {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<6: [.serving]
            case 6..<8: [.standby]
            default: [.serving, .standby]
            }
        }

        /// How long to wait for a moment around the next slot: every other one within the 60 ms after it, when its run is likely under way.
        private static func moment(_ random: inout SplitMix64) -> Duration {
            let offset =
                switch Int.random(in: 0..<4, using: &random) {
                case 0: Int.random(in: -200..<0, using: &random)
                case 1: Int.random(in: 60..<300, using: &random)
                default: Int.random(in: 0..<60, using: &random)
                }
            let now = Int((Date().timeIntervalSince1970 * 1_000).rounded())
            let wait = 1_000 - now % 1_000 + offset
            return .milliseconds(wait > 5 ? wait : wait + 1_000)
        }
    }
}
