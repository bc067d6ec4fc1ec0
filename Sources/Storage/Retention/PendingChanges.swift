import GRDB
import Scheduling

/// What waits in the change log to be counted, as far as it concerns a day that is to be sealed, or rows that are to go.
///
/// A gateway that corrects rows all the time always has something there, of today as a rule; old days need not wait for that.
enum PendingChanges {
    /// More are not looked at one by one while the lock is held (a millisecond): then all of them are waited for.
    private static let most = 2_000

    /// Whether one of them is of this day, or may be.
    static func concern(_ db: Database, _ day: Day, _ zone: Zone) throws -> Bool {
        if try areMany(db) { return true }
        let changes = try RawStatement(db, "SELECT created_at FROM usage_changes")
        defer { changes.reset() }
        var calendar = DayCalendar(zone: zone)
        while try changes.step() {
            if let instant = UsageAccumulator.instant(changes.handle, 0), calendar.day(of: instant) == day {
                return true
            }
        }
        return false
    }

    /// Whether one of them is of one of these rows, or may be.
    static func concern<Row>(_ db: Database, _ rows: ArraySlice<Row>, id: (Row) -> Int64) throws -> Bool {
        if try areMany(db) { return true }
        let changed = try Int64.fetchSet(db.cachedStatement(sql: "SELECT row_id FROM usage_changes"))
        return !changed.isEmpty && rows.contains { changed.contains(id($0)) }
    }

    private static func areMany(_ db: Database) throws -> Bool {
        try Bool.fetchOne(
            db.cachedStatement(sql: "SELECT EXISTS (SELECT 1 FROM usage_changes LIMIT 1 OFFSET \(most))")) ?? true
    }
}
