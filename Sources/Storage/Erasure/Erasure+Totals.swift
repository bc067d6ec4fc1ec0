import GRDB
import Scheduling

/// What the rollup can't move, because the rows that it was counted from are gone.
extension Erasure {
    private static let additive = [
        "successes", "failures", "input_tokens", "output_tokens", "cost_nanos", "estimated_cost_nanos",
        "unpriced_requests", "unpriced_tokens", "latency_sum_ms",
    ]

    /// On closed days the greatest latency ever seen stands, also of rows that are gone. The rollup removes a total that has become nothing, and this
    /// with it: so the pseudonym has it before.
    func keepGreatestLatencies(_ run: Run) async throws {
        let pseudonym = run.record.pseudonym
        let rows = try await totals(
            """
            source <> 'adopted' AND model IS NOT NULL
              AND EXISTS (SELECT 1 FROM usage_days d WHERE d.date = daily_usage_stats.date)
              -- an erasure that was cut has done a part of it
              AND NOT EXISTS (
                SELECT 1
                FROM daily_usage_stats kept
                WHERE kept.date = daily_usage_stats.date AND kept.user_id = '\(pseudonym)' AND kept.model = daily_usage_stats.model
                  AND kept.latency_max_ms >= daily_usage_stats.latency_max_ms
              )
            """)
        try await each(rows, run) { db, row in
            try db.cachedStatement(
                sql: """
                    INSERT INTO daily_usage_stats (id, date, user_id, model, latency_max_ms, source)
                    SELECT ?2 || '-' || model || '-' || date, date, ?2, model, latency_max_ms, 'rollup'
                    FROM daily_usage_stats
                    WHERE rowid = ?1
                    ON CONFLICT (date, user_id, model) DO UPDATE SET latency_max_ms = MAX(latency_max_ms, excluded.latency_max_ms)
                    """
            ).execute(arguments: [row, pseudonym])
        }
    }

    /// Gives what is left of the person's totals to the pseudonym. Additions commute, so it does not matter what the rollup adds meanwhile.
    func mergeTotals(_ run: Run) async throws {
        let pseudonym = run.record.pseudonym
        let rows = try await totals("1")
        run.progress("merging \(rows.count) totals")
        try await each(rows, run) { db, row in
            let hasOther = try Bool.fetchOne(
                db.cachedStatement(
                    sql: """
                        SELECT EXISTS (
                          SELECT 1
                          FROM daily_usage_stats mine
                          JOIN daily_usage_stats other ON other.date = mine.date AND other.model = mine.model
                          WHERE mine.rowid = ?1 AND other.user_id = ?2
                        )
                        """),
                arguments: [row, pseudonym])
            if hasOther ?? false {
                try Self.add(row, to: pseudonym, db)
            } else {
                try Self.rename(row, to: pseudonym, db)
            }
            try run.record.add(1, to: "daily_usage_stats", db)
        }
        // Where others removed the last row of a total meanwhile, the place that was kept for its greatest latency is left.
        let nothing = """
            total_requests = 0 AND successes = 0 AND failures = 0 AND total_tokens = 0 AND cost_nanos = 0 AND source <> 'adopted'
            """
        try await each(try await totals(nothing, of: pseudonym), of: pseudonym, run) { db, row in
            try db.execute(sql: "DELETE FROM daily_usage_stats WHERE rowid = ? AND \(nothing)", arguments: [row])
        }
    }

    /// As it is, 1.0.0's own figures included.
    private static func rename(_ row: Int64, to pseudonym: String, _ db: Database) throws {
        var attempt = 1
        repeat {
            // Two sums without a model may be of one day: then the documented id is taken.
            try db.execute(
                sql: """
                    UPDATE OR IGNORE daily_usage_stats
                    SET user_id = ?2, id = ?2 || '-' || COALESCE(model, '') || '-' || date || ?3, updated_at = CURRENT_TIMESTAMP
                    WHERE rowid = ?1
                    """,
                arguments: [row, pseudonym, attempt == 1 ? "" : "~\(attempt)"])
            attempt += 1
        } while db.changesCount == 0 && attempt < 10_000
    }

    /// The derived columns as `StatsWriter` derives them.
    private static func add(_ row: Int64, to pseudonym: String, _ db: Database) throws {
        let sums = additive.map { "\($0) = kept.\($0) + gone.\($0)" }.joined(separator: ",\n    ")
        let requests = "(COALESCE(kept.total_requests, 0) + COALESCE(gone.total_requests, 0))"
        try db.cachedStatement(
            sql: """
                UPDATE daily_usage_stats AS kept
                SET total_requests = \(requests),
                    total_tokens = COALESCE(kept.total_tokens, 0) + COALESCE(gone.total_tokens, 0),
                    total_cost = (kept.cost_nanos + gone.cost_nanos) / 1e9,
                    avg_latency = COALESCE(CAST(kept.latency_sum_ms + gone.latency_sum_ms AS REAL) / \(requests), 0),
                    success_rate = COALESCE(100.0 * (kept.successes + gone.successes) / \(requests), 0),
                    updated_at = CURRENT_TIMESTAMP,
                    \(sums),
                    latency_max_ms = MAX(kept.latency_max_ms, gone.latency_max_ms),
                    source = CASE gone.source WHEN 'adopted' THEN 'adopted' ELSE kept.source END
                FROM daily_usage_stats AS gone
                WHERE gone.rowid = ?1 AND kept.date = gone.date AND kept.user_id = ?2 AND kept.model = gone.model
                """
        ).execute(arguments: [row, pseudonym])
        try db.cachedStatement(sql: "DELETE FROM daily_usage_stats WHERE rowid = ?").execute(arguments: [row])
    }

    /// The person's totals, or another's. There is no index for it: the table is read.
    private func totals(_ condition: String, of other: String? = nil) async throws -> [Int64] {
        let user = other ?? user
        return try await store.read("find totals in") { db in
            try Int64.fetchAll(
                db, sql: "SELECT rowid FROM daily_usage_stats WHERE user_id = ? AND \(condition)", arguments: [user])
        }
    }

    private func each(
        _ rows: [Int64], of other: String? = nil, _ run: Run,
        _ change: @escaping @Sendable (Database, Int64) throws -> Void
    ) async throws {
        var rest = rows[...]
        let user = other ?? user
        while !rest.isEmpty {
            try run.check()
            let part = rest
            let done = try await write("merge totals of") { db, allowance, holds in
                var done = 0
                for row in part {
                    let date = try Row.fetchOne(
                        db.cachedStatement(sql: "SELECT date FROM daily_usage_stats WHERE rowid = ? AND user_id = ?"),
                        arguments: [row, user])
                    done += 1
                    guard let date else { continue }
                    if !holds.areNone, let hold = holds.hold(on: .totals, row: date, times: 0..<1) {
                        throw ErasureHolds.refusal(hold)
                    }
                    try change(db, row)
                    if allowance.isSpent { break }
                }
                return done
            }
            rest = rest.dropFirst(done)
        }
    }
}
