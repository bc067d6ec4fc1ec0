import GRDB
import GRDBSQLite
import Scheduling

/// Sums the rows of a range of ids, in several snapshots.
final class GatewayScan {
    /// Rows up to this belong to the window before.
    private let after: Int64
    /// Rows from this on have been read.
    private var reached: Int64
    private var sums = GatewayFigures.Window()
    private let users = KeyInterner()
    private let models = KeyInterner()
    private let histogram = HistogramCounts()
    private(set) var isDone: Bool

    init(after: Int64, through: Int64) {
        self.after = after
        isDone = through <= after
        // Rows that come meanwhile belong to the next window.
        reached = through == .max ? .max : through + 1
    }

    /// Reads the newest `count` rows that have not been read.
    func read(_ db: Database, count: Int64) throws {
        let rows = try RawStatement(
            db,
            """
            SELECT id, user_id, model, input_tokens, output_tokens, total_tokens, cost, latency, status
            FROM usage_logs
            WHERE id > ?1 AND id < ?2
            ORDER BY id DESC
            LIMIT ?3
            """)
        defer { rows.reset() }
        rows.bind(after, at: 1)
        rows.bind(reached, at: 2)
        rows.bind(count, at: 3)
        let before = sums.requests
        while try rows.step() {
            reached = sqlite3_column_int64(rows.handle, 0)
            add(rows.handle)
        }
        isDone = sums.requests - before < count
    }

    /// How many rows are left, at most: by ids, since counting them is what was too much.
    func noteUnread(_ db: Database) throws {
        let oldest = try Int64.fetchOne(
            db.cachedStatement(sql: "SELECT MIN(id) FROM usage_logs WHERE id > ? AND id < ?"),
            arguments: [after, reached])
        sums.unread = oldest.map { reached - $0 } ?? 0
    }

    /// By the rollup's rules for what a column may hold (see `UsageAccumulator`), the time aside: a row's arrival is its time here.
    private func add(_ row: OpaquePointer) {
        sums.requests += 1
        let isSuccess = UsageColumn(row, 8).isSuccess
        if !isSuccess { sums.errors += 1 }
        // First: who asked was active, whatever else is in the row.
        let user = UsageColumn(row, 1).key(in: users)
        guard user != nil, let model = UsageColumn(row, 2).key(in: models),
            let input = UsageColumn(row, 3).integer(upTo: UsageAccumulator.tokensLimit),
            let output = UsageColumn(row, 4).integer(upTo: UsageAccumulator.tokensLimit),
            let total = UsageColumn(row, 5).integer(upTo: UsageAccumulator.tokensLimit),
            let cost = UsageColumn(row, 6).real, let nanos = Money.nanos(dollars: cost),
            let latency = UsageColumn(row, 7).integer(upTo: UsageAccumulator.latencyLimitMilliseconds)
        else {
            sums.odd += 1
            return
        }
        let tokens = max(total, input + output)
        sums.tokens += tokens
        sums.costNanos += Int128(nanos)
        if cost == 0, tokens > 0 { sums.uncosted += 1 }
        histogram.add(1, to: HistogramKey(model: model, day: 0, bucket: LatencyBuckets.bucket(of: latency)))
    }

    /// - Parameter shown: so many models stand alone.
    func window(models shown: Int) -> GatewayFigures.Window {
        var byModel: [UInt32: [Int: Int64]] = [:]
        for (key, requests) in histogram.all { byModel[key.model, default: [:]][key.bucket, default: 0] += requests }
        let ranked = byModel.map { (model: models.string($0.key), buckets: $0.value) }.sorted { first, second in
            let counts = [first, second].map { $0.buckets.values.reduce(0, +) }
            return counts[0] == counts[1] ? first.model < second.model : counts[0] > counts[1]
        }
        // A model that is really called so must not make a second series of the name.
        let alone = ranked.filter { $0.model != GatewayFigures.rest }.prefix(shown)
        let names = Set(alone.map(\.model))
        var rest: [Int: Int64] = [:]
        for other in ranked where !names.contains(other.model) { rest.merge(other.buckets, uniquingKeysWith: +) }
        var window = sums
        window.users = users.keys.count(where: \.isUsable)
        window.latencies = alone.map { Self.latency($0.model, $0.buckets) }
        if !rest.isEmpty { window.latencies.append(Self.latency(GatewayFigures.rest, rest)) }
        return window
    }

    private static func latency(_ model: String, _ buckets: [Int: Int64]) -> GatewayFigures.Latency {
        let counts = buckets.sorted { $0.key < $1.key }.map { (bucket: $0.key, requests: $0.value) }
        return GatewayFigures.Latency(
            model: model, requests: counts.reduce(0) { $0 + $1.requests },
            milliseconds: GatewayFigures.quantiles.compactMap { LatencyBuckets.percentile($0, of: counts) })
    }
}

// One reading has it, and its snapshots come one after the other.
extension GatewayScan: @unchecked Sendable {}
