import GRDB
import GRDBSQLite
package import Scheduling

/// How what is stored of one day differs from what its raw rows say.
///
/// The difference is taken in one snapshot as (raw rows now) − (change log, not yet applied) − (stored). Everything that counts only ever adds
/// to the totals, so this difference stays the same, whatever is counted meanwhile, until it is added too: that mends the day.
package struct DayDrift: Sendable, Equatable {
    package struct Key: Sendable, Hashable, Comparable {
        private let userName: Verbatim
        private let modelName: Verbatim
        package var user: String { userName.text }
        package var model: String { modelName.text }

        package init(user: String, model: String) {
            (userName, modelName) = (Verbatim(user), Verbatim(model))
        }

        package static func < (left: Key, right: Key) -> Bool {
            (left.userName, left.modelName) < (right.userName, right.modelName)
        }
    }

    package let day: Day
    /// What each key is to be given. Empty sums: only the greatest latency or a derived column is off.
    package internal(set) var keys: [Key: UsageSums] = [:]
    /// The requests each bucket is to be given.
    var histogram: [BucketKey: Int64] = [:]
    /// The greatest latency of every key, as raw rows have it; nil while log entries for the day wait.
    var maxima: [Key: Int64]?
    /// Rows of the day that can't be counted and are not set aside yet: what made them so was no correction of theirs, such as a price.
    var rejects: [Int64: Reject] = [:]
    var generation: Int64?

    struct BucketKey: Sendable, Hashable {
        let model: Verbatim
        let bucket: Int
    }

    /// How many rows can't be counted and are not set aside.
    package var unnotedRows: Int { rejects.count }
    package var hasHistogramDrift: Bool { !histogram.isEmpty }
    package var isNone: Bool { keys.isEmpty && histogram.isEmpty && rejects.isEmpty }
    /// Raw rows of the day that were read.
    package internal(set) var rows: Int64 = 0
}

/// Derives a day's totals from raw rows and compares.
enum DayAudit {
    /// - Precondition: the snapshot holds no batch in progress.
    static func drift(_ db: Database, day: Day, cursor: Int64, rules: CountingRules) throws -> DayDrift {
        let accumulator = UsageAccumulator(rules: rules, only: day...day)
        try UsageScan.readDays(db, day...day, calendar: rules.calendar, through: cursor, into: accumulator)
        return try drift(db, of: accumulator, day: day, cursor: cursor, rules: rules)
    }

    /// The same with the raw rows through the cursor already read.
    ///
    /// - Precondition: they are in this snapshot as they were when they were read.
    static func drift(
        _ db: Database, of accumulator: UsageAccumulator, day: Day, cursor: Int64, rules: CountingRules
    ) throws -> DayDrift {
        var result = DayDrift(day: day)
        result.rows = accumulator.sums.reduce(0) { $0 + $1.requests }
        // The greatest latencies are read before the log is undone: they are no sums.
        let pending = UsageAccumulator(rules: rules, only: day...day)
        _ = try UsageScan.readChanges(db, after: 0, limit: .max, through: cursor, sign: -1, into: pending)
        result.rejects = try unnoted(db, of: accumulator, pending: pending)
        var maxima: [DayDrift.Key: Int64] = [:]
        func add(_ source: UsageAccumulator) throws {
            for (index, key) in source.keys.enumerated() {
                let name = DayDrift.Key(user: source.users.string(key.user), model: source.models.string(key.model))
                guard result.keys[name, default: UsageSums()].add(source.sums[index], sign: 1) else {
                    throw StorageError(
                        .sumOverflow, cannot: "derive", "\(day)",
                        because: "a sum of user \(name.user), model \(name.model) passes 2^63",
                        remedy: "Correct or delete the absurd rows of that key.")
                }
                if source === accumulator { maxima[name] = source.sums[index].latencyMaxMilliseconds }
            }
            for (key, requests) in source.histogram.all {
                let name = DayDrift.BucketKey(model: Verbatim(source.models.string(key.model)), bucket: key.bucket)
                result.histogram[name, default: 0] += requests
            }
        }
        try add(accumulator)
        try add(pending)
        try subtractStored(db, day, &result, maxima, comparesMaxima: pending.keys.isEmpty)
        result.maxima = pending.keys.isEmpty ? maxima : nil
        result.generation = try Int64.fetchOne(
            db, sql: "SELECT generation FROM rollup_dirty_days WHERE date = ?", arguments: [day.description])
        return result
    }

    /// Rows that are not set aside yet, nor about to be because of an entry of the log.
    private static func unnoted(
        _ db: Database, of rows: UsageAccumulator, pending: UsageAccumulator
    ) throws -> [Int64: Reject] {
        let statement = try db.cachedStatement(sql: "SELECT EXISTS (SELECT 1 FROM usage_rejects WHERE row_id = ?)")
        var unnoted: [Int64: Reject] = [:]
        for case (let rowID, let reject?) in rows.rejects where pending.rejects[rowID] == nil {
            if try Bool.fetchOne(statement, arguments: [rowID]) != true { unnoted[rowID] = reject }
        }
        return unnoted
    }

    private static func subtractStored(
        _ db: Database, _ day: Day, _ result: inout DayDrift, _ maxima: [DayDrift.Key: Int64], comparesMaxima: Bool
    ) throws {
        let stored = try Row.fetchCursor(
            db,
            sql: """
                SELECT user_id, model, COALESCE(total_requests, 0), successes, failures, input_tokens, output_tokens,
                       COALESCE(total_tokens, 0), cost_nanos, estimated_cost_nanos, unpriced_requests, unpriced_tokens,
                       latency_sum_ms, latency_max_ms, total_cost IS cost_nanos / 1e9 AS is_derived
                FROM daily_usage_stats
                WHERE date = ? AND user_id IS NOT NULL AND model IS NOT NULL
                """,
            arguments: [day.description])
        var off: Set<DayDrift.Key> = []
        while let row = try stored.next() {
            let name = DayDrift.Key(user: row[0], model: row[1])
            var sums = UsageSums()
            sums.requests = row[2]
            sums.successes = row[3]
            sums.inputTokens = row[5]
            sums.outputTokens = row[6]
            sums.totalTokens = row[7]
            sums.costNanos = row[8]
            sums.estimatedCostNanos = row[9]
            sums.unpricedRequests = row[10]
            sums.unpricedTokens = row[11]
            sums.latencySumMilliseconds = row[12]
            let isFailuresOff = (row[4] as Int64) != sums.requests - sums.successes
            let isMaximumOff = comparesMaxima && (row[13] as Int64) != maxima[name] ?? 0 && sums.requests > 0
            if isFailuresOff || isMaximumOff || !(row[14] as Bool) { off.insert(name) }
            guard result.keys[name, default: UsageSums()].add(sums, sign: -1) else {
                throw StorageError(
                    .sumOverflow, cannot: "compare", "\(day)",
                    because: "a sum of user \(name.user), model \(name.model) passes 2^63",
                    remedy: "Correct or delete the absurd rows of that key.")
            }
        }
        result.keys = result.keys.filter { !$0.value.isZero || off.contains($0.key) }
        let histograms = try Row.fetchCursor(
            db, sql: "SELECT model, buckets FROM usage_latency_histograms WHERE date = ?", arguments: [day.description])
        while let row = try histograms.next() {
            let model = Verbatim(row[0])
            for count in try LatencyHistogram(json: row[1]).counts {
                result.histogram[DayDrift.BucketKey(model: model, bucket: count.bucket), default: 0] -= count.requests
            }
        }
        result.histogram = result.histogram.filter { $0.value != 0 }
    }
}
