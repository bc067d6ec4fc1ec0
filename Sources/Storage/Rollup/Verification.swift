import GRDB
package import Scheduling

/// Derives days again from raw rows and compares, to the last nano-dollar. Writes nothing, and works beside a running daemon.
package struct Verification: Sendable {
    let store: Store
    let zone: Zone

    package init(store: Store, zone: Zone) {
        self.store = store
        self.zone = zone
    }

    /// What can be said of the days that were asked for.
    package struct Report: Sendable, Equatable {
        package var days = 0
        package var rows: Int64 = 0
        package var drifts: [DayDrift] = []
        /// Days whose raw rows may be gone: their totals stand as they are.
        package var closed: [ClosedDay] = []

        package var isClean: Bool { drifts.isEmpty }
    }

    package struct ClosedDay: Sendable, Equatable {
        package let day: Day
        package let state: String
    }

    /// - Parameter range: nil for every day that has totals or raw rows.
    /// - Throws: `StorageError` of kind `failed` when a batch stays in progress although nobody finishes it.
    package func run(
        _ range: ClosedRange<Day>? = nil, progress: @Sendable (_ done: Int, _ of: Int) -> Void = { _, _ in }
    ) async throws -> Report {
        let zone = zone
        let (days, closed) = try await store.read("find the days of") { db in
            (
                try UsageDays.present(db, in: range, calendar: DayCalendar(zone: zone)),
                try UsageDays.closed(db)
            )
        }
        var report = Report()
        for (index, day) in days.enumerated() {
            if let state = closed[day] {
                report.closed.append(ClosedDay(day: day, state: state))
                continue
            }
            try Task.checkCancellation()
            let drift = try await drift(of: day)
            report.days += 1
            report.rows += drift.rows
            if !drift.isNone { report.drifts.append(drift) }
            progress(index + 1, days.count)
        }
        return report
    }

    /// A batch is in progress for moments only while somebody rolls up: waits for a snapshot without one.
    private func drift(of day: Day) async throws -> DayDrift {
        let zone = zone
        for attempt in 0..<200 {
            let drift = try await store.read("verify \(day) in") { db -> DayDrift? in
                let state = try RollupState.read(db)
                guard !state.isInBatch else { return nil }
                if let counted = state.zone, counted != zone.name {
                    throw StorageError(
                        .zoneChanged, cannot: "verify", "\(day)",
                        because: "the days were counted in \(counted), and TALLYD_TIMEZONE says \(zone.name)",
                        remedy: "Set TALLYD_TIMEZONE=\(counted), or run `tallyd rollup rebuild`.")
                }
                let rules = CountingRules(
                    calendar: DayCalendar(zone: zone), prices: try PriceBook.read(db), adopted: [:])
                return try DayAudit.drift(db, day: day, cursor: state.cursor, rules: rules)
            }
            if let drift { return drift }
            try await Task.sleep(for: .milliseconds(min(10 + attempt, 100)))
        }
        throw StorageError(
            .failed, cannot: "verify", "\(day)",
            because: "a batch has been half applied for over ten seconds: its daemon was cut short",
            remedy: "Run `tallyd rollup run` (or start the daemon), which finishes it, then verify again.")
    }
}

/// Which days there are.
enum UsageDays {
    /// Days with totals or raw rows, ascending, found by stepping through indexes and not by reading rows.
    static func present(_ db: Database, in range: ClosedRange<Day>?, calendar: DayCalendar) throws -> [Day] {
        var calendar = calendar
        var days: Set<Day> = []
        var date: String? = try String.fetchOne(
            db, sql: "SELECT MIN(date) FROM daily_usage_stats WHERE typeof(date) = 'text'")
        while let present = date {
            if let day = Day(present) { days.insert(day) }
            date = try String.fetchOne(
                db, sql: "SELECT MIN(date) FROM daily_usage_stats WHERE date > ?", arguments: [present])
        }
        // Texts: from one date to the next. An offset of its own may put a row a day off either way.
        var text: String? = try String.fetchOne(
            db, sql: "SELECT MIN(created_at) FROM usage_logs WHERE created_at >= '0'")
        while let present = text {
            guard let day = Day(String(present.prefix(10))) else {
                text = try String.fetchOne(
                    db, sql: "SELECT MIN(created_at) FROM usage_logs WHERE created_at > ?", arguments: [present])
                continue
            }
            for shift in -1...1 {
                if let near = day.advanced(by: shift) { days.insert(near) }
            }
            guard let next = day.advanced(by: 1) else { break }
            text = try String.fetchOne(
                db, sql: "SELECT MIN(created_at) FROM usage_logs WHERE created_at >= ?", arguments: [next.description])
        }
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
        return days.filter { range?.contains($0) ?? true }.sorted()
    }

    /// Days that are no longer open, with their state.
    static func closed(_ db: Database) throws -> [Day: String] {
        let rows = try Row.fetchAll(db, sql: "SELECT date, state FROM usage_days")
        return rows.reduce(into: [:]) { days, row in
            if let day = Day(row[0] as String) { days[day] = row[1] }
        }
    }
}
