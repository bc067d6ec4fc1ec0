import GRDB
import Scheduling

/// Deriving marked days again: what sums can't express, and what REPLACE or an import below the cursor did behind the triggers' back.
extension Rollup {
    func deriveMarkedDays(
        _ start: Situation, _ outcome: inout Outcome, _ shouldStop: @Sendable () -> Bool,
        _ progress: @Sendable (Progress) -> Void
    ) async throws {
        let dates = try await store.read("look for marked days in") { db in
            try String.fetchAll(db, sql: "SELECT date FROM rollup_dirty_days ORDER BY date")
        }
        for date in dates {
            if shouldStop() { return }
            guard let day = Day(date) else { continue }
            if try await derive(day) { outcome.daysDerived += 1 }
            progress(Progress(doneID: start.state.cursor, targetID: start.lastID, phase: "deriving days again"))
        }
    }

    /// Adds a day's drift to its totals, in bites: each is added once, whatever order, so a crash between bites leaves the rest to the next
    /// derivation. False when log entries wait, so that the greatest latencies can't be told yet; the mark then stays.
    private func derive(_ day: Day) async throws -> Bool {
        let zone = zone
        let drift = try await store.read("derive \(day) in") { db -> DayDrift? in
            // Between the mark and now the day may have been sealed.
            let isOpen = try Bool.fetchOne(
                db, sql: "SELECT NOT EXISTS (SELECT 1 FROM usage_days WHERE date = ?)", arguments: [day.description])
            guard isOpen == true else { return nil }
            let rules = CountingRules(
                calendar: DayCalendar(zone: zone), prices: try PriceBook.read(db), adopted: [:])
            return try DayAudit.drift(db, day: day, cursor: try RollupState.read(db).cursor, rules: rules)
        }
        guard let drift else {
            try await unmark(day, generation: nil)
            return true
        }
        let keys = drift.keys.sorted { $0.key < $1.key }
        let histograms = Dictionary(grouping: drift.histogram, by: \.key.model).sorted { $0.key < $1.key }
        let rejects = Array(drift.rejects)
        let now = now()
        var done = 0
        while done < keys.count + histograms.count + rejects.count {
            let from = done
            done = try await write("mend \(day) in") { db, allowance in
                var writer = try StatsWriter(db, now: now)
                var next = from
                repeat {
                    if next < keys.count {
                        let (key, sums) = keys[next]
                        try Self.mend(db, day, key, sums, maximum: drift.maxima.map { $0[key] ?? 0 }, &writer)
                    } else if next < keys.count + histograms.count {
                        let (model, buckets) = histograms[next - keys.count]
                        try writer.addHistogram(
                            buckets.map { ($0.key.bucket, $0.value) }, day: day.number, model: model.text)
                    } else {
                        let (rowID, reject) = rejects[next - keys.count - histograms.count]
                        try writer.setAside(rowID, reject)
                    }
                    next += 1
                } while next < keys.count + histograms.count + rejects.count && !allowance.isSpent
                return next
            }
        }
        guard drift.maxima != nil else { return false }
        try await unmark(day, generation: drift.generation)
        return true
    }

    private static func mend(
        _ db: Database, _ day: Day, _ key: DayDrift.Key, _ sums: UsageSums, maximum: Int64?, _ writer: inout StatsWriter
    ) throws {
        var sums = sums
        sums.latencyMaxMilliseconds = 0
        try ContiguousArray(key.user.utf8).withUnsafeBufferPointer { user in
            try ContiguousArray(key.model.utf8).withUnsafeBufferPointer { model in
                try writer.add(sums, day: day.number, user: user, model: model)
            }
        }
        // Everything else is a sum; these two follow from the sums or from the rows. Someone else's statement may have left them off.
        try db.execute(
            sql: """
                UPDATE daily_usage_stats
                SET failures = total_requests - successes,
                    latency_max_ms = COALESCE(?4, latency_max_ms)
                WHERE date = ?1 AND user_id = ?2 AND model = ?3
                """,
            arguments: [day.description, key.user, key.model, maximum])
        try db.execute(
            sql: """
                DELETE FROM daily_usage_stats
                WHERE date = ? AND user_id = ? AND model = ? AND total_requests = 0 AND total_tokens = 0 AND cost_nanos = 0
                """,
            arguments: [day.description, key.user, key.model])
    }

    private func unmark(_ day: Day, generation: Int64?) async throws {
        try await write("unmark \(day) in") { db, _ in
            try db.execute(
                sql: "DELETE FROM rollup_dirty_days WHERE date = ?1 AND (?2 IS NULL OR generation = ?2)",
                arguments: [day.description, generation])
        }
    }
}
