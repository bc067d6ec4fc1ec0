import GRDB
import GRDBSQLite
import Scheduling

/// Which days there are.
enum UsageDays {
    /// Days with totals or raw rows, ascending, found by stepping through indexes and not by reading rows.
    static func present(_ db: Database, in range: ClosedRange<Day>?, calendar: DayCalendar) throws -> [Day] {
        var days = Set(try totalled(db))
        for day in try written(db) {
            // An offset of its own may put a row a day off either way.
            for shift in -1...1 {
                if let near = day.advanced(by: shift) { days.insert(near) }
            }
        }
        days.formUnion(try numbered(db, calendar: calendar))
        return days.filter { range?.contains($0) ?? true }.sorted()
    }

    /// Days with totals.
    ///
    /// Here and below each step stays within SQL: a text with a NUL in it, handed out and in again, comes back shorter, and the next step finds
    /// it anew for ever. Texts sort between '' and x'', numbers before and blobs after them (sqlite.org/datatype3.html, section 4.1).
    private static func totalled(_ db: Database) throws -> [Day] {
        let dates = try String.fetchAll(
            db,
            sql: """
                WITH RECURSIVE step (date) AS (
                  SELECT MIN(date) FROM daily_usage_stats WHERE date >= '' AND date < x''
                  UNION ALL
                  SELECT (SELECT MIN(d.date) FROM daily_usage_stats d WHERE d.date > step.date AND d.date < x'')
                  FROM step
                  WHERE step.date IS NOT NULL
                )
                SELECT date FROM step WHERE date IS NOT NULL
                """)
        return dates.compactMap { Day($0) }
    }

    /// Days that raw rows' texts begin with: from one date to the next, and from one text without a date to the next.
    private static func written(_ db: Database) throws -> [Day] {
        let dates = try String.fetchAll(
            db,
            sql: """
                WITH RECURSIVE step (text) AS (
                  SELECT MIN(created_at) FROM usage_logs WHERE created_at >= '' AND created_at < x''
                  UNION ALL
                  SELECT (
                    SELECT MIN(u.created_at)
                    FROM usage_logs u
                    WHERE u.created_at < x''
                      AND u.created_at > CASE
                        -- past every text of this date, and never back
                        WHEN substr(step.text, 1, 10) GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'
                        THEN MAX(step.text, substr(step.text, 1, 10) || char(0x10FFFF))
                        ELSE step.text
                      END
                  )
                  FROM step
                  WHERE step.text IS NOT NULL
                )
                SELECT DISTINCT substr(text, 1, 10)
                FROM step
                WHERE substr(text, 1, 10) GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'
                """)
        return dates.compactMap { Day($0) }
    }

    /// Days of raw rows that have a Unix time.
    private static func numbered(_ db: Database, calendar: DayCalendar) throws -> Set<Day> {
        var calendar = calendar
        var days: Set<Day> = []
        for (low, high, scale) in [(1e8, 1e11, 1000.0), (1e11, 1e14, 1.0)] {
            var from = low
            while let number = try Double.fetchOne(
                db, sql: "SELECT MIN(created_at) FROM usage_logs WHERE created_at >= ? AND created_at < ?",
                arguments: [from, high])
            {
                guard let day = Instant(unix: number).flatMap({ calendar.day(of: $0) }) else { break }
                days.insert(day)
                let next = Double(calendar.bounds(of: day).upperBound.milliseconds) / scale
                guard next > number else { break }
                from = next
            }
        }
        return days
    }

    /// Raw rows by day, counted in the index on created_at, without those that were set aside. Rows whose time can't be read are of no day.
    ///
    /// - Parameter progress: called after every two weeks.
    static func rowsByDay(_ store: Store, zone: Zone, progress: @Sendable () -> Void) async throws -> [Day: Int64] {
        let days = try await store.read("find days of") { db in
            try present(db, in: nil, calendar: DayCalendar(zone: zone))
        }
        // A week at a time: each range is read with a margin of days, and a snapshot is to be short. Two of them at once, on two processors.
        var weeks: [ClosedRange<Day>] = []
        for day in days {
            if let week = weeks.last, day.number < week.lowerBound.number + 7 {
                weeks[weeks.count - 1] = week.lowerBound...day
            } else {
                weeks.append(day...day)
            }
        }
        var counts: [Day: Int64] = [:]
        var rest = weeks[...]
        while let first = rest.popFirst() {
            if let second = rest.popFirst() {
                let (one, other) = try await store.readTwoOfMany("count rows by day in") { db in
                    try rowsByDay(db, in: first, zone)
                } _: { db in
                    try rowsByDay(db, in: second, zone)
                }
                counts.merge(one) { _, new in new }
                counts.merge(other) { _, new in new }
            } else {
                let one = try await store.readOneOfMany("count rows by day in") { db in
                    try rowsByDay(db, in: first, zone)
                }
                counts.merge(one) { _, new in new }
            }
            progress()
        }
        return counts
    }

    private static func rowsByDay(_ db: Database, in days: ClosedRange<Day>, _ zone: Zone) throws -> [Day: Int64] {
        var calendar = DayCalendar(zone: zone)
        var counts: [Day: Int64] = [:]
        let aside = Set(try Int64.fetchAll(db, sql: "SELECT row_id FROM usage_rejects"))
        try UsageScan.forEachRow(db, days, calendar: calendar, columns: "created_at", through: .max) { statement, id in
            guard !aside.contains(id), let instant = UsageAccumulator.instant(statement, 1),
                let day = calendar.day(of: instant), days.contains(day)
            else { return }
            counts[day, default: 0] += 1
        }
        return counts
    }

    /// Rows that a snapshot looks up one by one: some tens of milliseconds.
    private static let rowsPerSnapshot = 20_000

    /// One user's raw rows by day, as `rowsByDay` counts everybody's.
    ///
    /// - Parameter progress: called after every part that was read.
    static func rowsByDay(
        _ store: Store, zone: Zone, user: String, progress: @Sendable () -> Void
    ) async throws -> [Day: Int64] {
        var calendar = DayCalendar(zone: zone)
        var counts: [Day: Int64] = [:]
        var after: Int64 = .min
        while true {
            let start = after
            let rows = try await store.readOneOfMany("count rows of a user in") { db in
                // By the index on user_id, whose entries of one user are in the order of their ids.
                let statement = try RawStatement(
                    db,
                    """
                    SELECT u.id, u.created_at
                    FROM usage_logs u
                    WHERE u.user_id = ?1 AND u.id > ?2 AND NOT EXISTS (SELECT 1 FROM usage_rejects r WHERE r.row_id = u.id)
                    ORDER BY u.id
                    LIMIT \(rowsPerSnapshot)
                    """)
                statement.bind(start, at: 2)
                let name = ContiguousArray(user.utf8)
                return try name.withUnsafeBufferPointer { name in
                    statement.bind(name, at: 1)
                    defer { statement.reset() }
                    var rows: [(id: Int64, instant: Instant?)] = []
                    while try statement.step() {
                        rows.append(
                            (sqlite3_column_int64(statement.handle, 0), UsageAccumulator.instant(statement.handle, 1)))
                    }
                    return rows
                }
            }
            for row in rows {
                if let day = row.instant.flatMap({ calendar.day(of: $0) }) { counts[day, default: 0] += 1 }
            }
            progress()
            guard rows.count == rowsPerSnapshot, let last = rows.last else { return counts }
            after = last.id
        }
    }

    /// Dates whose raw rows may be gone, in the form of daily_usage_stats.
    static func closedDates(_ db: Database) throws -> Set<String> {
        try String.fetchSet(db, sql: "SELECT date FROM usage_days")
    }

    /// Days that are no longer open, with their state.
    static func closed(_ db: Database) throws -> [Day: String] {
        let rows = try Row.fetchAll(db, sql: "SELECT date, state FROM usage_days")
        return rows.reduce(into: [:]) { days, row in
            if let day = Day(row[0] as String) { days[day] = row[1] }
        }
    }
}
