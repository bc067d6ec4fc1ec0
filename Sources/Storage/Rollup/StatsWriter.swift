import GRDB
import GRDBSQLite
import Scheduling

/// Adds sums to daily_usage_stats, to the histograms and to the rejects. Lives within one writing transaction.
///
/// Additions commute, so neither the order of bites nor their size can change a total.
struct StatsWriter {
    private let db: Database
    private let statements: Statements
    /// Where totals are; nil where most keys are expected to have none. And by how many more keys it was asked for in vain than found one that was
    /// not known yet.
    private let known: KnownTotals?
    private var balance = 0
    private let now: Instant
    private let timestamp: ContiguousArray<UInt8>
    private var idBytes = ContiguousArray<UInt8>()
    /// The last day's, since most totals of a tick are of one day.
    private var lastDate: (day: Int32, text: ContiguousArray<UInt8>)?

    /// - Parameter known: given where most keys are expected to have a total: then it is updated by its row, which is known or looked up; the
    ///   INSERT that follows where there was none need not look for the key again. Looking up is given up where it mostly finds nothing, as when a day
    ///   begins.
    init(_ db: Database, now: Instant, known: KnownTotals? = nil) throws {
        self.db = db
        self.now = now
        self.known = known
        // As CURRENT_TIMESTAMP writes it. Written by us, so the contract's updated_at trigger has nothing to do.
        timestamp = ContiguousArray(now.description.prefix(19).replacing("T", with: " ").utf8)
        statements = try Statements(db)
    }

    /// The same parameters in the three that write.
    private struct Statements {
        /// For a key that has no total.
        let insert: RawStatement
        /// For a key whose total is in row ?18.
        let update: RawStatement
        /// For either.
        let upsert: RawStatement
        let find: RawStatement

        init(_ db: Database) throws {
            insert = try RawStatement(db, "\(StatsWriter.insertion) \(StatsWriter.idTaken)")
            update = try RawStatement(
                db,
                """
                UPDATE daily_usage_stats
                SET \(StatsWriter.additions)
                WHERE rowid = ?18
                  AND date = ?2 AND user_id = ?3 AND model = ?4
                """)
            upsert = try RawStatement(
                db,
                """
                \(StatsWriter.insertion)
                ON CONFLICT (date, user_id, model) DO UPDATE SET \(StatsWriter.additions)
                \(StatsWriter.idTaken)
                """)
            find = try RawStatement(
                db, "SELECT rowid FROM daily_usage_stats WHERE date = ?1 AND user_id = ?2 AND model = ?3")
        }
    }

    private static let insertion = """
        INSERT INTO daily_usage_stats (
          id, date, user_id, model, total_requests, total_tokens, total_cost, avg_latency, success_rate, created_at, updated_at,
          successes, failures, input_tokens, output_tokens, cost_nanos, estimated_cost_nanos, unpriced_requests,
          unpriced_tokens, latency_sum_ms, latency_max_ms, source
        )
        VALUES (
          ?1, ?2, ?3, ?4, ?5, ?6, ?7 / 1e9, COALESCE(CAST(?8 AS REAL) / ?5, 0), COALESCE(100.0 * ?9 / ?5, 0), ?17, ?17,
          ?9, ?10, ?11, ?12, ?7, ?13, ?14, ?15, ?8, ?16, 'rollup'
        )
        """

    /// The documented id can be that of another key: 'a-b' and 'c', 'a' and 'b-c'.
    private static let idTaken = "ON CONFLICT (id) DO NOTHING"

    /// The parameters are those of the insertion.
    private static let additions = """
        total_requests = COALESCE(total_requests, 0) + ?5,
        total_tokens = COALESCE(total_tokens, 0) + ?6,
        total_cost = (cost_nanos + ?7) / 1e9,
        avg_latency = COALESCE(CAST(latency_sum_ms + ?8 AS REAL) / (COALESCE(total_requests, 0) + ?5), 0),
        success_rate = COALESCE(100.0 * (successes + ?9) / (COALESCE(total_requests, 0) + ?5), 0),
        updated_at = ?17,
        successes = successes + ?9,
        failures = failures + ?10,
        input_tokens = input_tokens + ?11,
        output_tokens = output_tokens + ?12,
        cost_nanos = cost_nanos + ?7,
        estimated_cost_nanos = estimated_cost_nanos + ?13,
        unpriced_requests = unpriced_requests + ?14,
        unpriced_tokens = unpriced_tokens + ?15,
        latency_sum_ms = latency_sum_ms + ?8,
        latency_max_ms = MAX(latency_max_ms, ?16),
        source = CASE source WHEN 'adopted' THEN 'adopted' ELSE 'rollup' END
        """

    /// Looks in vain over successful ones after which a bite looks no more: one costs 1 µs (of 6 µs for a new key), and a bite has a thousand keys.
    private static let tries = 16

    /// A total's key as its columns are bound.
    private struct TotalKey {
        let date: ContiguousArray<UInt8>
        let user: UnsafeBufferPointer<UInt8>
        let model: UnsafeBufferPointer<UInt8>
    }

    /// Adds to one day's total of one user and model.
    mutating func add(
        _ sums: UsageSums, day: Int32, user: UnsafeBufferPointer<UInt8>, model: UnsafeBufferPointer<UInt8>
    ) throws {
        try write(sums, TotalKey(date: date(day), user: user, model: model), by: statements.upsert)
    }

    /// The same, by the row if that is known.
    mutating func add(_ sums: UsageSums, day: Int32, user: KeyInterner.Key, model: KeyInterner.Key) throws {
        guard let known else { return try add(sums, day: day, user: user.bytes, model: model.bytes) }
        let key = TotalKey(date: date(day), user: user.bytes, model: model.bytes)
        let hash = KnownTotals.hash(day: day, user: user.hash, model: model.hash)
        if let row = known.row(of: hash), try update(row, sums, key) { return }
        if balance < Self.tries {
            if let row = try find(key) {
                balance -= 1
                known.remember(row, for: hash)
                if try update(row, sums, key) { return }
            }
            balance += 1
            try write(sums, key, by: statements.insert)
        } else {
            // An upsert that updates leaves this at 0, which is not remembered.
            sqlite3_set_last_insert_rowid(db.sqliteConnection, 0)
            try write(sums, key, by: statements.upsert)
        }
        known.remember(sqlite3_last_insert_rowid(db.sqliteConnection), for: hash)
    }

    private func find(_ key: TotalKey) throws -> Int64? {
        try key.date.withUnsafeBufferPointer { date in
            statements.find.bind(date, at: 1)
            statements.find.bind(key.user, at: 2)
            statements.find.bind(key.model, at: 3)
            defer { statements.find.reset() }
            return try statements.find.step() ? sqlite3_column_int64(statements.find.handle, 0) : nil
        }
    }

    /// False when that row is not, or no longer, the key's.
    private func update(_ row: Int64, _ sums: UsageSums, _ key: TotalKey) throws -> Bool {
        statements.update.bind(row, at: 18)
        try run(statements.update, sums, key)
        return sqlite3_changes(db.sqliteConnection) > 0
    }

    private mutating func write(_ sums: UsageSums, _ key: TotalKey, by statement: RawStatement) throws {
        idBytes.removeAll(keepingCapacity: true)
        idBytes.append(contentsOf: key.user)
        idBytes.append(UInt8(ascii: "-"))
        idBytes.append(contentsOf: key.model)
        idBytes.append(UInt8(ascii: "-"))
        idBytes.append(contentsOf: key.date)
        let documented = idBytes.count
        var attempt = 1
        while true {
            try idBytes.withUnsafeBufferPointer { id in
                statement.bind(id, at: 1)
                try run(statement, sums, key)
            }
            if sqlite3_changes(db.sqliteConnection) > 0 { return }
            // The id belongs to another key: this key's gets a number.
            attempt += 1
            idBytes.removeSubrange(documented...)
            idBytes.append(contentsOf: "~\(attempt)".utf8)
        }
    }

    /// Binds what the three statements that write have in common, and runs one. A new row's id is bound already.
    private func run(_ statement: RawStatement, _ sums: UsageSums, _ key: TotalKey) throws {
        try key.date.withUnsafeBufferPointer { date in
            try timestamp.withUnsafeBufferPointer { timestamp in
                statement.bind(date, at: 2)
                statement.bind(key.user, at: 3)
                statement.bind(key.model, at: 4)
                statement.bind(sums.requests, at: 5)
                statement.bind(sums.totalTokens, at: 6)
                statement.bind(sums.costNanos, at: 7)
                statement.bind(sums.latencySumMilliseconds, at: 8)
                statement.bind(sums.successes, at: 9)
                statement.bind(sums.failures, at: 10)
                statement.bind(sums.inputTokens, at: 11)
                statement.bind(sums.outputTokens, at: 12)
                statement.bind(sums.estimatedCostNanos, at: 13)
                statement.bind(sums.unpricedRequests, at: 14)
                statement.bind(sums.unpricedTokens, at: 15)
                statement.bind(sums.latencyMaxMilliseconds, at: 16)
                statement.bind(timestamp, at: 17)
                try statement.run()
            }
        }
    }

    func addHistogram(_ changes: [(bucket: Int, requests: Int64)], day: Int32, model: String) throws {
        try LatencyHistogram.add(changes, date: dateText(day), model: model, db)
    }

    /// Sets a row aside, or (nil) takes it back from there. Running it twice is harmless.
    func setAside(_ rowID: Int64, _ reject: Reject?) throws {
        guard let reject else {
            try db.execute(sql: "DELETE FROM usage_rejects WHERE row_id = ?", arguments: [rowID])
            return
        }
        try db.execute(
            sql: """
                INSERT INTO usage_rejects (row_id, reason, detail, rejected_at_ms)
                VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT (row_id) DO UPDATE SET reason = ?2, detail = ?3
                """,
            arguments: [rowID, reject.reason.rawValue, reject.detail, now.milliseconds])
    }

    /// Adds corrections: sums that may be negative. Keys and buckets that become nothing are removed; a greatest latency that may have been taken
    /// back marks its day, if open, as dirty.
    mutating func addCorrections(_ accumulator: UsageAccumulator) throws {
        for (index, key) in accumulator.keys.enumerated() {
            let sums = accumulator.sums[index]
            let user = accumulator.users.keys[Int(key.user)]
            let model = accumulator.models.keys[Int(key.model)]
            if let removed = sums.removedMaxMilliseconds, sums.latencyMaxMilliseconds < removed {
                try markIfMaximumLost(removed, key, accumulator)
            } else if sums.isZero {
                continue
            }
            try add(sums, day: key.day, user: user, model: model)
            if sums.requests <= 0 { try removeIfNothing(key, accumulator) }
        }
        for row in accumulator.histogram.rows(modelRanks: accumulator.models.ranks()) {
            try addHistogram(row.changes, day: row.day, model: accumulator.models.string(row.model))
        }
        for (rowID, reject) in accumulator.rejects {
            try setAside(rowID, reject)
        }
    }

    private func removeIfNothing(_ key: UsageAccumulator.GroupKey, _ accumulator: UsageAccumulator) throws {
        try db.execute(
            sql: """
                DELETE FROM daily_usage_stats
                WHERE date = ? AND user_id = ? AND model = ?
                  AND total_requests = 0 AND successes = 0 AND failures = 0 AND total_tokens = 0 AND cost_nanos = 0
                  AND source <> 'adopted'
                """,
            arguments: [dateText(key.day), accumulator.users.string(key.user), accumulator.models.string(key.model)])
    }

    private func markIfMaximumLost(_ removed: Int64, _ key: UsageAccumulator.GroupKey, _ accumulator: UsageAccumulator)
        throws
    {
        try db.execute(
            sql: """
                INSERT INTO rollup_dirty_days (date)
                SELECT ?1
                -- a total that is not there any more an erasure has given to a pseudonym, greatest latency and all (a random history found it)
                WHERE NOT EXISTS (
                    SELECT 1
                    FROM daily_usage_stats
                    WHERE date = ?1 AND user_id = ?2 AND model = ?3 AND latency_max_ms > ?4
                  )
                  -- of a day that is sealed or further, the greatest latency ever seen stands
                  AND NOT EXISTS (SELECT 1 FROM usage_days d WHERE d.date = ?1)
                ON CONFLICT (date) DO UPDATE SET generation = generation + 1
                """,
            arguments: [
                dateText(key.day), accumulator.users.string(key.user), accumulator.models.string(key.model), removed,
            ])
    }

    private func dateText(_ day: Int32) -> String {
        Day(number: Int(day)).map(String.init(describing:)) ?? ""
    }

    private mutating func date(_ day: Int32) -> ContiguousArray<UInt8> {
        if let lastDate, lastDate.day == day { return lastDate.text }
        let text = ContiguousArray(dateText(day).utf8)
        lastDate = (day, text)
        return text
    }
}
