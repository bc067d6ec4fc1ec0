import GRDB
import Scheduling

/// How prices that model_pricing names come to hold.
extension Rollup {
    /// New and changed prices go into the book, and the open days whose estimates they change are marked.
    ///
    /// Closed days keep what was counted without a price. Their rows must stay without one: should such a row be corrected later, what is taken off for
    /// it is what was added. So a first price holds from the day after the last closed one on which its model had such usage.
    func enterPrices(_ situation: Situation, _ outcome: inout Outcome) async throws {
        let changes = situation.priceChanges
        guard !changes.isEmpty else { return }
        var calendar = DayCalendar(zone: zone)
        let today = calendar.day(of: now()) ?? .first
        // Outside the write: it may read many rows. Nothing is counted between here and there, this being the one that counts.
        let (dates, unpriced) = try await store.read("find days without prices in") { db in
            var dates: Set<String> = []
            var unpriced = ClosedUnpriced(closed: try UsageDays.closedDates(db))
            for change in changes {
                let rows = try Row.fetchCursor(
                    db,
                    sql: """
                        SELECT date, MAX(unpriced_requests > 0)
                        FROM daily_usage_stats
                        WHERE model = ? AND (date >= ? OR (? AND unpriced_requests > 0))
                        GROUP BY date
                        """,
                    arguments: [change.model, today.description, change.isFirst])
                while let row = try rows.next() {
                    let date: String = row[0]
                    if !unpriced.closed.contains(date) {
                        dates.insert(date)
                    } else if change.isFirst, row[1] {
                        unpriced.note(date, of: change.model)
                    }
                }
            }
            return (dates.sorted(), unpriced)
        }
        let zone = zone
        try await write("enter prices in") { db, _ in
            var unpriced = unpriced
            // A day may have been sealed in between.
            try unpriced.add(try UsageDays.closedDates(db), changes, db)
            var calendar = DayCalendar(zone: zone)
            try PriceBook.insert(changes.map { unpriced.limit($0, &calendar) }, db)
            for date in dates { try Self.mark(date, db) }
        }
        outcome.prices += changes.count
    }

    /// The newest closed day of each model on which it had usage without a price.
    private struct ClosedUnpriced: Sendable {
        private(set) var closed: Set<String>
        private var newest: [Verbatim: String] = [:]

        init(closed: Set<String>) {
            self.closed = closed
        }

        mutating func note(_ date: String, of model: String) {
            newest[Verbatim(model)] = max(newest[Verbatim(model)] ?? "", date)
        }

        /// Looks at those that were not closed before.
        mutating func add(_ dates: Set<String>, _ changes: [PriceBook.Change], _ db: Database) throws {
            for date in dates.subtracting(closed) {
                for change in changes where change.isFirst {
                    let hasAny = try Bool.fetchOne(
                        db,
                        sql: """
                            SELECT EXISTS (
                                SELECT 1 FROM daily_usage_stats WHERE date = ? AND model = ? AND unpriced_requests > 0
                            )
                            """,
                        arguments: [date, change.model])
                    if hasAny == true { note(date, of: change.model) }
                }
            }
        }

        func limit(_ change: PriceBook.Change, _ calendar: inout DayCalendar) -> PriceBook.Change {
            guard change.isFirst, let day = newest[Verbatim(change.model)].flatMap({ Day($0) }) else { return change }
            var limited = change
            limited.effectiveFrom = calendar.bounds(of: day).upperBound
            return limited
        }
    }
}
