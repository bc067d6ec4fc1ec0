import GRDB
package import Scheduling

/// Derives days again from raw rows and compares, to the last nano-dollar. Writes nothing but an event a day that differs, where it is asked to tell, and
/// works beside a running daemon.
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

    /// Tells of the days that differ: one event each. Writes nothing where none does.
    package func tell(of report: Report, now: Instant) async throws {
        for drift in report.drifts {
            try await store.writer.write("tell of drift in") { db, _ in
                try OwnEvent.driftFound(day: drift.day.description, keys: drift.keys.count).insert(db, now: now)
            }
        }
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
