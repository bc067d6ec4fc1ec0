import Foundation
import GRDB
package import Scheduling

/// Counts days anew from raw rows: marks them, and lets the rollup derive them. The daemon's rollup does it when one runs.
package struct Rebuild: Sendable {
    let store: Store
    let zone: Zone
    let term: Term?

    package init(store: Store, zone: Zone, term: Term? = nil) {
        self.store = store
        self.zone = zone
        self.term = term
    }

    /// Marks the days of the range that have totals or raw rows.
    ///
    /// - Returns: the days that were marked.
    /// - Throws: `StorageError` of kind `rawIncomplete`, naming the days, when the raw rows of any of them may be gone.
    package func mark(_ range: ClosedRange<Day>) async throws -> [Day] {
        let zone = zone
        let (days, closed) = try await store.read("find the days of") { db in
            (try UsageDays.present(db, in: range, calendar: DayCalendar(zone: zone)), try UsageDays.closed(db))
        }
        let gone = closed.filter { range.contains($0.key) }.sorted { $0.key < $1.key }
        guard gone.isEmpty else {
            let names = gone.prefix(10).map { "\($0.key) (\($0.value))" }.joined(separator: ", ")
            throw StorageError(
                .rawIncomplete, cannot: "rebuild", "\(range.lowerBound) to \(range.upperBound)",
                because:
                    "the raw rows are no longer all there for \(names)\(gone.count > 10 ? " and \(gone.count - 10) more days" : "")",
                remedy: "Choose --from and --to so that they leave these days out; their totals stand.")
        }
        let term = term
        for start in stride(from: 0, to: days.count, by: 64) {
            let part = days[start..<min(start + 64, days.count)]
            try await store.writer.write("mark days in") { db, _ in
                try term?.check(db)
                for day in part { try Rollup.mark(day.description, db) }
            }
        }
        return days
    }

    /// Changes the zone whose days are counted: from here on rows count in it, and every day is marked. Needs all raw rows.
    package func changeZone() async throws {
        let zone = zone
        _ = try await mark(.first ... .last)
        let term = term
        var calendar = DayCalendar(zone: zone)
        let offset = calendar.offsetSeconds(at: Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)))
        try await store.writer.write("change the zone of") { db, _ in
            try term?.check(db)
            let state = try RollupState.read(db)
            let isQuiet = try Bool.fetchOne(db, sql: "SELECT NOT EXISTS (SELECT 1 FROM usage_changes)") ?? false
            guard !state.hasClaim, isQuiet else {
                throw StorageError(
                    .failed, cannot: "change the zone of", "the daily totals",
                    because: "rows or corrections are still to be counted in the old zone",
                    remedy: "Run `tallyd rollup run` with the old TALLYD_TIMEZONE first, then rebuild with the new one."
                )
            }
            try db.execute(
                sql: "UPDATE rollup_state SET zone = ?, zone_offset_seconds = ? WHERE id = 1",
                arguments: [zone.name, offset])
        }
    }

    /// How many marked days are still to be derived.
    package func remaining() async throws -> Int {
        try await store.read("count marked days of") { db in
            try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM rollup_dirty_days") ?? 0
        }
    }
}
