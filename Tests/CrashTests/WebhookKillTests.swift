import Foundation
import GRDB
import TestSupport
import Testing

extension CrashTests {
    /// Webhooks in mid-flight when the daemon is killed: every event arrives, and twice only what was claimed.
    struct WebhookKillTests {
        /// How often the daemon is killed: 8 times, 200 in the long suite, or as TALLYD_TEST_WEBHOOK_KILLS says.
        private static var kills: Int {
            let variables = ProcessInfo.processInfo.environment
            return variables["TALLYD_TEST_WEBHOOK_KILLS"].flatMap { Int($0) }
                ?? (variables["TALLYD_TEST_LONG"] == "1" ? 200 : 8)
        }

        private static let endpoints = 4
        private static let variables = [
            "TALLYD_ENVIRONMENT": "development", "TALLYD_WEBHOOK_ALLOW": "127.0.0.1/32",
            "TALLYD_WEBHOOK_RETRIES": "100ms 100ms 1s 1s",
        ]

        /// A delivery, as the receiver knows it.
        private struct Arrival: Hashable {
            let path: String
            let id: String
        }

        @Test func `kill -9 in mid-flight loses no event and repeats only what was claimed`() async throws {
            let place = try await Workplace.migrated()
            // So slow that many are under way at any moment.
            let server = try EndpointServer { _ in .init(200, delay: .milliseconds(15)) }
            defer { server.close() }
            for number in 0..<Self.endpoints {
                let url = server.url("/w\(number)")
                try place.execute(
                    "INSERT INTO webhooks (id, user_id, url, events) VALUES ('w\(number)', 'u', '\(url)', '[\"usage.*\"]')"
                )
            }
            let gateway = try place.start(
                .gateway,
                [
                    "write", "--database", place.database, "--rate", "100", "--event-percent", "100", "--event-user",
                    "u",
                    "--event-bytes", "200", "--busy-timeout", "2000", "--quiet", "--seconds", "1800",
                ])
            var random = SplitMix64(for: "kill -9 beside webhooks")
            var claimed: [Arrival: Int] = [:]
            var longest = Duration.zero
            let kills = max(Self.kills, 1)
            for kill in 1...kills {
                let before = server.requests.count
                let began = ContinuousClock.now
                let daemon = try place.daemon(Self.variables)
                // From before the first message to deep in the sending.
                let moment = Duration.milliseconds(Int.random(in: 50...900, using: &random))
                let early = await daemon.ending(within: moment)
                try #require(early == nil, "it ended by itself before kill \(kill): \(daemon.errors)")
                daemon.send(SIGKILL)
                try #require(await daemon.ending(within: .seconds(10)) == .killed(signal: SIGKILL))
                let requests = server.requests
                if requests.count > before { longest = max(longest, requests[before].receivedAt - began) }
                for arrival in try Self.claims(place) { claimed[arrival, default: 0] += 1 }
            }
            await place.stop(gateway)
            let daemon = try place.daemon(Self.variables)
            try await Self.settle(place)
            await place.stop(daemon)

            let counts = server.requests.reduce(into: [Arrival: Int]()) { counts, request in
                counts[Arrival(path: request.path, id: request.id), default: 0] += 1
            }
            let events = try place.read { db in try String.fetchAll(db, sql: "SELECT id FROM webhook_events") }
            #expect(events.count > kills * 10, "\(events.count) events only")
            let missing = events.flatMap { id in
                (0..<Self.endpoints).map { Arrival(path: "/w\($0)", id: id) }.filter { counts[$0] == nil }
            }
            #expect(missing.isEmpty, "\(missing.count) never arrived: \(missing.prefix(5))")
            // One more for each kill that found it claimed, and no other. How many those are goes by how long the disk takes for the outcomes: alone
            // 2 to 13 a kill, and 20 to 90 beside the rest of the suite.
            let excess = counts.filter { $0.value > 1 + claimed[$0.key, default: 0] }
            #expect(excess.isEmpty, "\(excess)")
            let repeated = counts.values.reduce(0) { $0 + $1 - 1 }
            try Self.expectSoundLedger(place)
            print(
                "kill -9 beside webhooks: \(kills) kills, \(events.count) events to \(Self.endpoints) endpoints,",
                "\(repeated) repeated; longest from the start to the first message \(longest)")
        }

        private static func claims(_ place: Workplace) throws -> [Arrival] {
            try place.read { db in
                try Row.fetchAll(
                    db,
                    sql: """
                        SELECT d.webhook_id, e.id
                        FROM webhook_deliveries d
                        JOIN webhook_events e ON e.seq = d.event_seq
                        WHERE d.state = 'claimed'
                        """
                ).map { Arrival(path: "/\($0[0] as String)", id: $0[1]) }
            }
        }

        private static func settle(_ place: Workplace) async throws {
            for _ in 0..<1_200 {
                let open = try place.read { db in
                    try Int.fetchOne(
                        db,
                        sql: """
                            SELECT (SELECT COUNT(*) FROM webhook_deliveries WHERE state IN ('pending', 'claimed'))
                                 + (SELECT COUNT(*) FROM webhook_events, webhook_outbox WHERE seq > fanned_out)
                            """)
                }
                if open == 0 { return }
                try await Task.sleep(for: .milliseconds(50))
            }
            Issue.record("deliveries are still open after a minute")
        }

        private static func expectSoundLedger(_ place: Workplace) throws {
            let (undelivered, gaps) = try place.read { db in
                (
                    try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM webhook_deliveries WHERE state <> 'delivered'"),
                    try Int.fetchOne(
                        db,
                        sql: """
                            SELECT COUNT(*)
                            FROM webhook_deliveries d
                            WHERE attempt <> (SELECT COUNT(*) FROM webhook_attempts a WHERE a.delivery_id = d.id)
                            """)
                )
            }
            #expect(undelivered == 0 && gaps == 0)
        }
    }
}
