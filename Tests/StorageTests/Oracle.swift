import Foundation
import GRDB
import Scheduling

/// What the totals have to be, told by the simplest means: every row that counts, kept in a dictionary and added up one by one in Decimal.
/// Shares no code with the program.
struct Oracle {
    struct Row: Equatable {
        var user: String
        var model: String
        var input: Int64
        var output: Int64
        var total: Int64
        /// In nano-dollars; the row's cost is this divided by 10^9.
        var costNanos: Int64
        var latency: Int64
        var success: Bool
        /// The calendar day, `YYYY-MM-DD`; nil when the time that was written can't be read.
        var date: String?
        /// Another reason why the row can't count.
        var isOdd = false
        var isPurged = false

        var counts: Bool { date != nil && !isOdd }
    }

    struct Key: Hashable, Comparable {
        let date: String
        let user: String
        let model: String
        static func < (left: Key, right: Key) -> Bool {
            (left.date, left.user, left.model) < (right.date, right.user, right.model)
        }
    }

    struct Total: Equatable {
        var requests = 0
        var failures = 0
        var input: Int64 = 0
        var output: Int64 = 0
        var tokens: Int64 = 0
        var cost = Decimal(0)
        var estimated = Decimal(0)
        var unpricedRequests = 0
        var unpricedTokens: Int64 = 0
        var latencySum: Int64 = 0
        var latencyMax: Int64 = 0
    }

    var rows: [Int64: Row] = [:]
    /// Dollars per 1,000 tokens.
    var prices: [String: (prompt: Decimal, completion: Decimal)] = [
        "alpha": (Decimal(string: "0.00015") ?? 0, Decimal(string: "0.0006") ?? 0),
        "beta": (Decimal(string: "0.003") ?? 0, Decimal(string: "0.0150001") ?? 0),
    ]

    func totals() -> [Key: Total] {
        var totals: [Key: Total] = [:]
        for row in rows.values where row.counts {
            guard let date = row.date else { continue }
            let tokens = max(row.total, row.input + row.output)
            var total = totals[Key(date: date, user: row.user, model: row.model)] ?? Total()
            total.requests += 1
            total.failures += row.success ? 0 : 1
            total.input += row.input
            total.output += row.output
            total.tokens += tokens
            total.latencySum += row.latency
            total.latencyMax = max(total.latencyMax, row.latency)
            if row.costNanos > 0 {
                total.cost += Decimal(row.costNanos)
            } else {
                var unpriced = tokens
                if let price = prices[row.model] {
                    let exact = (Decimal(row.input) * price.prompt + Decimal(row.output) * price.completion) * 1_000_000
                    var value = exact
                    var rounded = Decimal()
                    NSDecimalRound(&rounded, &value, 0, .plain)
                    total.cost += rounded
                    total.estimated += rounded
                    unpriced -= row.input + row.output
                }
                total.unpricedTokens += unpriced
                total.unpricedRequests += unpriced > 0 ? 1 : 0
            }
            totals[Key(date: date, user: row.user, model: row.model)] = total
        }
        return totals
    }

    /// Requests by date, model and exact latency.
    func latencies() -> [String: [Int64: Int]] {
        rows.values.reduce(into: [:]) { result, row in
            guard row.counts, let date = row.date else { return }
            result["\(date) \(row.model)", default: [:]][row.latency, default: 0] += 1
        }
    }

    var rejected: Set<Int64> {
        Set(rows.filter { !$0.value.counts }.keys)
    }

    static func stored(_ db: Database) throws -> [Key: Total] {
        let rows = try GRDB.Row.fetchAll(db, sql: "SELECT * FROM daily_usage_stats")
        return Dictionary(
            uniqueKeysWithValues: rows.map { row in
                var total = Total()
                total.requests = row["total_requests"]
                total.failures = row["failures"]
                total.input = row["input_tokens"]
                total.output = row["output_tokens"]
                total.tokens = row["total_tokens"]
                total.cost = Decimal(row["cost_nanos"] as Int64)
                total.estimated = Decimal(row["estimated_cost_nanos"] as Int64)
                total.unpricedRequests = row["unpriced_requests"]
                total.unpricedTokens = row["unpriced_tokens"]
                total.latencySum = row["latency_sum_ms"]
                total.latencyMax = row["latency_max_ms"]
                return (Key(date: row["date"], user: row["user_id"], model: row["model"]), total)
            })
    }
}
