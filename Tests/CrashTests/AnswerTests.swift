import GRDB
import Testing

extension CrashTests {
    /// What commands answer where nothing is wrong with how they were called.
    struct AnswerTests {
        @Test func `a report on an empty database says that there is no usage and succeeds`() async throws {
            let place = try await Workplace.migrated()
            let report = try await place.tallyd("report")
            #expect(report.status == 0)
            #expect(report.output.hasPrefix("no usage from "))
            #expect(report.errors.isEmpty)
            let json = try await place.tallyd("report", "--json")
            #expect(json.status == 0)
            #expect(try !json.json().isEmpty)
        }

        @Test func `a drift ends verify with 1 and names the day, the user and the model`() async throws {
            let place = try await Workplace.migrated()
            try place.execute(
                """
                INSERT INTO usage_logs (user_id, request_id, model, input_tokens, output_tokens, cost, created_at)
                VALUES ('ada', 'r1', 'alpha', 10, 5, 0.25, '2026-11-20T10:00:00.000Z'),
                       ('bob', 'r2', 'alpha', 10, 5, 0.25, '2026-11-21 10:00:00')
                """)
            try #require(try await place.tallyd("rollup", "run").status == 0)
            try #require(try await place.tallyd("rollup", "verify").status == 0)
            try place.execute("UPDATE daily_usage_stats SET total_tokens = total_tokens + 7 WHERE user_id = 'ada'")

            let drift = try await place.tallyd("rollup", "verify")
            #expect(drift.status == 1)
            #expect(drift.output.hasPrefix("DRIFT on 1 day"))
            #expect(drift.output.contains("2026-11-20  user ada  model alpha:  total_tokens -7"))
            #expect(drift.output.contains("tallyd rollup rebuild --from 2026-11-20 --to 2026-11-20"))
            #expect(!drift.output.contains("bob"))

            let mending = try await place.tallyd("rollup", "rebuild", "--from", "2026-11-20", "--to", "2026-11-20")
            #expect(mending.status == 0, "\(mending.errors)")
            try await place.expectExactTotals()
        }

        @Test func `metrics shows everybody's, and without any says what to do`() async throws {
            let place = try await Workplace.migrated()
            let none = try await place.tallyd("metrics")
            #expect(none.status == 0)
            #expect(none.output.hasPrefix("no metrics yet"))
            #expect(none.errors.isEmpty)
            try place.execute(
                """
                INSERT INTO system_metrics (id, metric_name, metric_value, tags)
                VALUES ('x1', 'queue_depth', 3, '{"source":"gateway"}')
                """)
            let table = try await place.tallyd("metrics")
            #expect(table.output.contains("queue_depth  source=gateway       3"))
            let other = try await place.tallyd("metrics", "--match", "latency")
            #expect(other.status == 0)
            #expect(other.output.hasPrefix("no metric's name contains"))
            let json = try await place.tallyd("metrics", "--match", "QUEUE", "--json")
            let metrics = try json.json()["metrics"] as? [[String: Any]]
            #expect(metrics?.first?["value"] as? Double == 3)
            #expect(try await place.tallyd("metrics", "--match", "").status == 64)
        }
    }
}
