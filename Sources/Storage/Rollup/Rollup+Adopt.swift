import GRDB
import Scheduling

/// What 1.0.0's nightly statement left in daily_usage_stats, judged once, day by day, before the first claim.
///
/// Where usage_logs still holds every request that a day's figures speak of, the rows are the better source: the old figures go and the day is
/// counted from raw. Where it holds fewer (somebody purged), the figures are all that is left: they stand, and the rows up to this moment are
/// in them already.
extension Rollup {
    func adoptIfNeeded(_ situation: Situation, _ progress: @Sendable (Progress) -> Void) async throws {
        guard !situation.state.isAdopted else { return }
        if situation.hasForeignStats { try await judgeDays(progress) }
        try await write("adopt the daily figures of") { db, _ in
            try db.execute(sql: "UPDATE rollup_state SET adopted = 1 WHERE id = 1")
        }
    }

    private func judgeDays(_ progress: @Sendable (Progress) -> Void) async throws {
        let (figures, last) = try await store.read("read the old daily figures of") { db in
            // Rows without a user or a model are sums of others, unless there are no others.
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT date,
                           COALESCE(SUM(total_requests) FILTER (WHERE user_id IS NOT NULL AND model IS NOT NULL), SUM(total_requests), 0)
                    FROM daily_usage_stats
                    WHERE source <> 'rollup'
                      -- judged already by a process that was cut: its rows are left out of the count for good
                      AND date NOT IN (SELECT date FROM usage_days)
                    GROUP BY date
                    """)
            let figures = rows.compactMap { row in (row[0] as String?).map { ($0, row[1] as Int64) } }
            return (figures, try Int64.fetchOne(db, sql: "SELECT MAX(id) FROM usage_logs") ?? 0)
        }
        let counts = try await countByUTCDay(through: last, progress)
        let now = now()
        for (date, requests) in figures {
            let isComplete = Day(date).map { counts[$0, default: 0] >= requests } ?? false
            if isComplete {
                try await removeFigures(of: date)
            } else {
                try await write("adopt the figures of \(date) in") { db, _ in
                    try db.execute(
                        sql: """
                            INSERT INTO usage_days (date, state, adopted_through, changed_at_ms)
                            VALUES (?, 'adopted', ?, ?)
                            ON CONFLICT (date) DO NOTHING
                            """,
                        arguments: [date, last, now.milliseconds])
                    try db.execute(
                        sql: "UPDATE daily_usage_stats SET source = 'adopted' WHERE date = ? AND source = 'other'",
                        arguments: [date])
                }
            }
        }
    }

    /// Bite by bite. Cut short, the rest is judged again: fewer figures are left, so the verdict is the same.
    private func removeFigures(of date: String) async throws {
        while true {
            let removed = try await write("replace the figures of \(date) in") { db, _ in
                try db.execute(
                    sql: """
                        DELETE FROM daily_usage_stats
                        WHERE rowid IN (SELECT rowid FROM daily_usage_stats WHERE date = ? AND source <> 'rollup' LIMIT 200)
                        """,
                    arguments: [date])
                return db.changesCount
            }
            if removed == 0 { return }
        }
    }

    /// 1.0.0 grouped by DATE(created_at), which is UTC.
    private func countByUTCDay(through last: Int64, _ progress: @Sendable (Progress) -> Void) async throws -> [Day:
        Int64]
    {
        var counts: [Day: Int64] = [:]
        var after = try await store.read("find the first row of") { db in
            (try Int64.fetchOne(db, sql: "SELECT MIN(id) FROM usage_logs") ?? 0) - 1
        }
        while after < last {
            let from = after
            let through = min(last, from + 200_000)
            let part = try await store.read("count usage rows of") { db in
                let rows = try RawStatement(db, "SELECT created_at FROM usage_logs WHERE id > ?1 AND id <= ?2")
                rows.bind(from, at: 1)
                rows.bind(through, at: 2)
                var calendar = DayCalendar.utc
                var part: [Day: Int64] = [:]
                while try rows.step() {
                    if let day = UsageAccumulator.instant(rows.handle, 0).flatMap({ calendar.day(of: $0) }) {
                        part[day, default: 0] += 1
                    }
                }
                rows.reset()
                return part
            }
            counts.merge(part, uniquingKeysWith: +)
            after = through
            progress(Progress(doneID: after, targetID: last, phase: "looking at the old daily figures"))
        }
        return counts
    }
}
