import Foundation
import GRDB
import Storage

/// What is stored, beside the oracle.
extension RollupHistory {
    func compare() throws {
        var expected = oracle.totals()
        var stored = try sample.gateway.read { db in try Oracle.stored(db) }
        // Of a day that was sealed, the greatest latency ever seen stands, also when its row is gone.
        for (key, total) in stored where closed.contains(key.date) {
            if total.latencyMax >= expected[key]?.latencyMax ?? 0 {
                stored[key]?.latencyMax = 0
                expected[key]?.latencyMax = 0
            }
        }
        if stored != expected {
            for key in Set(stored.keys).union(expected.keys).sorted() where stored[key] != expected[key] {
                fail("\(key): stored \(String(describing: stored[key])), expected \(String(describing: expected[key]))")
            }
        }
        let rejected = Set(
            try sample.rows("SELECT row_id FROM usage_rejects").compactMap { Int64.fromDatabaseValue($0[0]) })
        if rejected != oracle.rejected { fail("set aside \(rejected.sorted()), expected \(oracle.rejected.sorted())") }
        try compareHistograms()
        try compareViews(expected)
    }

    func compareHistograms() throws {
        var expected: [String: Int] = [:]
        for (place, latencies) in oracle.latencies() {
            for (latency, requests) in latencies {
                expected["\(place) \(LatencyBuckets.bucket(of: latency))", default: 0] += requests
            }
        }
        var stored: [String: Int] = [:]
        for row in try sample.rows(
            "SELECT date || ' ' || model || ' ' || key, value FROM usage_latency_histograms, json_each(buckets)")
        {
            stored[String.fromDatabaseValue(row[0]) ?? ""] = Int.fromDatabaseValue(row[1])
        }
        if stored != expected { fail("histograms: stored \(stored), expected \(expected)") }
    }

    func compareViews(_ totals: [Oracle.Key: Oracle.Total]) throws {
        let requests: Int = try sample.value("SELECT COALESCE(SUM(total_requests), 0) FROM user_usage_summary") ?? -1
        let tokens: Int64 = try sample.value("SELECT COALESCE(SUM(total_tokens), 0) FROM model_usage_stats") ?? -1
        let nanos: Int64 = try sample.value("SELECT COALESCE(SUM(cost_nanos), 0) FROM usage_daily") ?? -1
        if requests != totals.values.reduce(0, { $0 + $1.requests }) {
            fail("user_usage_summary: \(requests) requests")
        }
        if tokens != totals.values.reduce(0, { $0 + $1.tokens }) { fail("model_usage_stats: \(tokens) tokens") }
        if Decimal(nanos) != totals.values.reduce(0, { $0 + $1.cost }) { fail("usage_daily: \(nanos) nano-dollars") }
    }
}
