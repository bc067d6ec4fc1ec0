import GRDB

/// Totals by day, user and model, summed by SQL alone: a second opinion that shares no line with the program's own
/// counting.
struct PlainSums: Hashable {
    let requests: Int64
    let successes: Int64
    let inputTokens: Int64
    let outputTokens: Int64
    let totalTokens: Int64
    /// Nano-dollars that the gateway recorded; what tallyd estimated is left out.
    let recordedNanos: Int64
    let latencyMilliseconds: Int64

    struct Key: Hashable, Comparable {
        let day: String
        let user: String
        let model: String

        static func < (left: Key, right: Key) -> Bool {
            (left.day, left.user, left.model) < (right.day, right.user, right.model)
        }
    }

    private init(_ row: Row) {
        (requests, successes, inputTokens, outputTokens) = (row[3], row[4], row[5], row[6])
        (totalTokens, recordedNanos, latencyMilliseconds) = (row[7], row[8], row[9])
    }

    /// What usage_logs says. Only for rows in the two forms that a gateway itself writes, both in UTC, and only while
    /// the days are UTC's too.
    static func raw(_ db: Database) throws -> [Key: PlainSums] {
        try read(
            db,
            """
            SELECT substr(created_at, 1, 10), user_id, model,
                   COUNT(*), SUM(status = 'success'), SUM(input_tokens), SUM(output_tokens),
                   SUM(MAX(total_tokens, input_tokens + output_tokens)),
                   SUM(CASE WHEN cost > 0 THEN CAST(ROUND(cost * 1e9) AS INTEGER) ELSE 0 END),
                   SUM(latency)
            FROM usage_logs
            WHERE id NOT IN (SELECT row_id FROM usage_rejects)
            GROUP BY 1, 2, 3
            """)
    }

    /// What daily_usage_stats says. A line whose rows are all gone may stay, with nothing in it.
    static func counted(_ db: Database) throws -> [Key: PlainSums] {
        try read(
            db,
            """
            SELECT date, user_id, model,
                   SUM(total_requests), SUM(successes), SUM(input_tokens), SUM(output_tokens), SUM(total_tokens),
                   SUM(cost_nanos - estimated_cost_nanos), SUM(latency_sum_ms)
            FROM daily_usage_stats
            GROUP BY 1, 2, 3
            HAVING SUM(total_requests) <> 0 OR SUM(total_tokens) <> 0 OR SUM(cost_nanos) <> 0
            """)
    }

    private static func read(_ db: Database, _ sql: String) throws -> [Key: PlainSums] {
        var sums: [Key: PlainSums] = [:]
        let rows = try Row.fetchCursor(db, sql: sql)
        while let row = try rows.next() {
            sums[Key(day: row[0], user: row[1], model: row[2])] = PlainSums(row)
        }
        return sums
    }
}
