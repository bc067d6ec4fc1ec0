import GRDB
package import Scheduling

/// Usage and cost over a range of days, from the same view as everybody's: counted totals plus the uncounted tail.
package struct UsageReport: Sendable, Equatable {
    package enum Grouping: String, Sendable, CaseIterable {
        case day, model, user
    }

    package struct Line: Sendable, Equatable {
        package let key: String
        package let requests: Int64
        package let failures: Int64
        package let inputTokens: Int128
        package let outputTokens: Int128
        package let totalTokens: Int128
        package let cost: Money
        package let estimatedCost: Money
        package let unpricedRequests: Int64
        package let unpricedTokens: Int128
        package let averageLatencyMilliseconds: Double
        package let maxLatencyMilliseconds: Int64
        /// p50, p95 and p99 in milliseconds, within 2 %; nil for users, whose histograms are not kept.
        package let latencyPercentiles: [Double]?
    }

    package let range: ClosedRange<Day>
    package let grouping: Grouping
    package let lines: [Line]
    package let total: Line

    /// - Parameter user: only this user's usage, when given.
    package static func read(
        _ store: Store, _ range: ClosedRange<Day>, by grouping: Grouping, user: String? = nil, model: String? = nil
    ) async throws -> UsageReport {
        try await store.read("report on") { db in
            let key = grouping == .day ? "date" : grouping == .model ? "model" : "user_id"
            // Sums of sums in Swift, in 128 bits: SQLite's SUM stops with an error at 2^63.
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT \(key), total_requests, successes, input_tokens, output_tokens, total_tokens, cost_nanos,
                           estimated_cost_nanos, unpriced_requests, unpriced_tokens, latency_sum_ms, latency_max_ms
                    FROM usage_daily
                    WHERE date BETWEEN ?1 AND ?2
                      AND (?3 IS NULL OR user_id = ?3)
                      AND (?4 IS NULL OR model = ?4)
                    """,
                arguments: [range.lowerBound.description, range.upperBound.description, user, model])
            var sums: [String: Sum] = [:]
            while let row = try rows.next() {
                sums[row[0] ?? "(none)", default: Sum()].add(row)
            }
            // Histograms know no users.
            let percentiles = user == nil && grouping != .user ? try percentiles(db, range, grouping, model) : [:]
            let lines = sums.map { $0.value.line($0.key, percentiles[$0.key]) }.sorted {
                grouping == .day ? $0.key < $1.key : ($0.cost, $0.requests, $1.key) > ($1.cost, $1.requests, $0.key)
            }
            var total = Sum()
            for sum in sums.values { total.add(sum) }
            return UsageReport(
                range: range, grouping: grouping, lines: lines, total: total.line("total", percentiles[allKeys]))
        }
    }

    private static let allKeys = "\0"

    private static func percentiles(
        _ db: Database, _ range: ClosedRange<Day>, _ grouping: Grouping, _ model: String?
    ) throws -> [String: [Double]] {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT \(grouping == .day ? "date" : "model"), buckets
                FROM usage_latency_histograms
                WHERE date BETWEEN ?1 AND ?2
                  AND (?3 IS NULL OR model = ?3)
                """,
            arguments: [range.lowerBound.description, range.upperBound.description, model])
        var counts: [String: [Int: Int64]] = [:]
        while let row = try rows.next() {
            let key: String = row[0]
            for count in try LatencyHistogram(json: row[1]).counts {
                counts[key, default: [:]][count.bucket, default: 0] += count.requests
                counts[allKeys, default: [:]][count.bucket, default: 0] += count.requests
            }
        }
        return counts.mapValues { counts in
            let ordered = counts.sorted { $0.key < $1.key }.map { (bucket: $0.key, requests: $0.value) }
            return [0.5, 0.95, 0.99].compactMap { LatencyBuckets.percentile($0, of: ordered) }
        }
    }

    private struct Sum {
        var requests: Int64 = 0
        var successes: Int64 = 0
        var tokens: (input: Int128, output: Int128, total: Int128, unpriced: Int128) = (0, 0, 0, 0)
        var cost = Money(nanos: 0)
        var estimated = Money(nanos: 0)
        var unpricedRequests: Int64 = 0
        var latencySum: Int128 = 0
        var latencyMax: Int64 = 0

        mutating func add(_ row: Row) {
            var other = Sum()
            other.requests = row[1] ?? 0
            other.successes = row[2] ?? 0
            other.tokens = (
                Int128(row[3] as Int64), Int128(row[4] as Int64), Int128((row[5] as Int64?) ?? 0),
                Int128(row[9] as Int64)
            )
            other.cost = Money(nanos: Int128(row[6] as Int64))
            other.estimated = Money(nanos: Int128(row[7] as Int64))
            other.unpricedRequests = row[8]
            other.latencySum = Int128(row[10] as Int64)
            other.latencyMax = row[11]
            add(other)
        }

        mutating func add(_ other: Sum) {
            requests += other.requests
            successes += other.successes
            tokens.input += other.tokens.input
            tokens.output += other.tokens.output
            tokens.total += other.tokens.total
            tokens.unpriced += other.tokens.unpriced
            cost += other.cost
            estimated += other.estimated
            unpricedRequests += other.unpricedRequests
            latencySum += other.latencySum
            latencyMax = max(latencyMax, other.latencyMax)
        }

        func line(_ key: String, _ percentiles: [Double]?) -> Line {
            Line(
                key: key, requests: requests, failures: requests - successes, inputTokens: tokens.input,
                outputTokens: tokens.output, totalTokens: tokens.total, cost: cost, estimatedCost: estimated,
                unpricedRequests: unpricedRequests, unpricedTokens: tokens.unpriced,
                averageLatencyMilliseconds: requests == 0 ? 0 : Double(latencySum) / Double(requests),
                maxLatencyMilliseconds: latencyMax, latencyPercentiles: percentiles)
        }
    }
}
