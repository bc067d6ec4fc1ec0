import GRDB
import GRDBSQLite
package import Scheduling
import Synchronization

/// Removing the raw rows of sealed days: bite by bite, each bite one transaction that asks all over again whether it may.
package struct DayPurge: Sendable {
    let store: Store
    let zone: Zone
    let term: Term?

    package init(store: Store, zone: Zone, term: Term? = nil) {
        self.store = store
        self.zone = zone
        self.term = term
    }

    /// Whose rows of a day may go.
    package struct Terms: Sendable {
        /// Whether the rows of everybody without terms of their own may.
        package var othersMayGo: Bool
        /// Users with terms of their own, and whether theirs may.
        package var users: [Verbatim: Bool]
        /// The time by which holds end.
        package var now: Instant
        /// Tells runs apart in the audit log.
        package var run: String

        package init(othersMayGo: Bool = true, users: [Verbatim: Bool] = [:], now: Instant, run: String) {
            self.othersMayGo = othersMayGo
            self.users = users
            self.now = now
            self.run = run
        }

        /// Whether anybody's rows may.
        package var letAnyGo: Bool { othersMayGo || users.values.contains(true) }

        func mayGo(_ user: UnsafeBufferPointer<UInt8>) -> Bool {
            users.isEmpty ? othersMayGo : users[Verbatim(String(decoding: user, as: UTF8.self))] ?? othersMayGo
        }
    }

    package struct Outcome: Sendable, Equatable {
        package var removed = 0
        /// Rows that a hold keeps, and rows set aside, which nobody has counted.
        package var kept = 0
        /// False when it was asked to stop, or corrections wait: purge again after the next rollup.
        package var isComplete = true
    }

    /// Rows of a day that are found at a time; their ids take 8 bytes each.
    private static let mostFound = 500_000

    /// Removes a sealed day's counted rows as far as the terms allow; rows that were set aside or are held stay. The day is purged once no
    /// counted row of it is left.
    ///
    /// - Throws: `StorageError` of kind `rawIncomplete` for a day that is not sealed.
    package func purge(
        _ day: Day, _ terms: Terms, shouldStop: @escaping @Sendable () -> Bool = { false }
    ) async throws -> Outcome {
        var outcome = Outcome()
        var after: Int64 = .min
        var rereads = 0
        var patience = Self.patience
        while true {
            let zone = zone
            let start = after
            let ids = try await store.readOneOfMany("find rows of \(day) in") { db in
                try Self.find(db, day, zone, terms, after: start)
            }
            guard let last = ids.last else { break }
            var next = 0
            var isStale = false
            while next < ids.count, !isStale {
                if shouldStop() {
                    outcome.isComplete = false
                    return outcome
                }
                let done = try await bites(of: ids[next...], id: { $0 }, day, terms, shouldStop) { db, ids, allowance in
                    try Self.delete(db, ids, day, zone, terms, allowance)
                }
                outcome.removed += done.removed
                outcome.kept += done.looked - done.removed
                next += done.looked
                switch done.ending {
                case nil: break
                case .unsettled:
                    guard await Self.waits(&patience) else {
                        outcome.isComplete = false
                        return outcome
                    }
                case .stale:
                    isStale = true
                }
            }
            if isStale {
                // A correction moved a row to another day since it was found. Few do, and each is found where it is now.
                rereads += 1
                if rereads > 100 {
                    outcome.isComplete = false
                    return outcome
                }
                continue
            }
            after = last
        }
        try await close(day, terms)
        return outcome
    }

    /// How often the rollup is given time to count corrections of rows that are to go: 5 s in all. A gateway that keeps on correcting just those is left
    /// to the next run.
    static let patience = 20

    /// More than any bite has time for.
    private static let mostAtOnce = 5_000

    static func waits(_ patience: inout Int) async -> Bool {
        guard patience > 0, (try? await Task.sleep(for: .milliseconds(250))) != nil else { return false }
        patience -= 1
        return true
    }

    /// What some bites in a row did.
    struct Bites: Sendable {
        enum Ending: Sendable {
            /// Corrections of the rows wait, so that nobody knows yet what is counted.
            case unsettled
            /// A row is not what it was found to be: nothing of its bite was removed.
            case stale
        }

        var removed = 0
        var looked = 0
        /// Nil where more may be taken at once.
        var ending: Ending?
    }

    /// Thrown within a bite's transaction, so that all of it is rolled back.
    struct Stale: Error {}

    /// Some transactions of a purge, each of which asks all over again whether it may, one after the other while nobody else writes. With the way through
    /// the scheduler after each of them there were 0.8 ms between two of 4 ms.
    ///
    /// - Parameters:
    ///   - rows: in the order in which they go; some of the first are taken.
    ///   - delete: deletes some of the first of these rows of the day, and says how many and of how many looked at.
    func bites<Row: Sendable>(
        of rows: ArraySlice<Row>, id: @escaping @Sendable (Row) -> Int64, _ day: Day, _ terms: Terms,
        _ shouldStop: @escaping @Sendable () -> Bool,
        _ delete: @escaping @Sendable (Database, ArraySlice<Row>, Allowance) throws -> (Int, of: Int)
    ) async throws -> Bites {
        let term = term
        // What was committed: a bite that fails leaves it as it is.
        let committed = Committed()
        do {
            return try await store.writer.write(
                "purge \(day) from",
                goesOn: { (done: Bites) in
                    committed.now = done
                    return done.ending == nil && done.looked < rows.count && !shouldStop()
                },
                { db, allowance in
                    var done = committed.now
                    try term?.check(db)
                    try Self.checkSealed(db, day)
                    // A row may have been corrected into one that can't be counted: until the log has been worked off nobody knows.
                    let ahead = rows.dropFirst(done.looked).prefix(Self.mostAtOnce)
                    if try PendingChanges.concern(db, ahead, id: id) {
                        done.ending = .unsettled
                        return done
                    }
                    // What is deleted while this flag is up is no correction.
                    try db.cachedStatement(sql: "UPDATE rollup_state SET purging = 1 WHERE id = 1").execute()
                    let (removed, looked) = try delete(db, ahead, allowance)
                    try db.cachedStatement(sql: "UPDATE rollup_state SET purging = 0 WHERE id = 1").execute()
                    if removed > 0 {
                        try AuditTrail.notePurge(
                            of: .usageLogs, day: day.description, rows: removed, run: terms.run, now: terms.now, db)
                    }
                    done.removed += removed
                    done.looked += looked
                    return done
                })
        } catch is Stale {
            var done = committed.now
            done.ending = .stale
            return done
        }
    }

    private final class Committed: Sendable {
        private let bites = Mutex(Bites())

        var now: Bites {
            get { bites.withLock { $0 } }
            set { bites.withLock { $0 = newValue } }
        }
    }

    private static func checkSealed(_ db: Database, _ day: Day) throws {
        let state = try String.fetchOne(
            db.cachedStatement(sql: "SELECT state FROM usage_days WHERE date = ?"), arguments: [day.description])
        guard let state, state != "adopted" else {
            throw StorageError(
                .rawIncomplete, cannot: "purge", "\(day)", because: "it is not sealed",
                remedy: "Let the rollup finish; a day is sealed once all of it is counted.")
        }
    }

    /// Deletes the rows between two ids, by their day and the time by which holds end, unless somebody holds them.
    private static let deletion = """
        DELETE FROM usage_logs
        WHERE id BETWEEN ?1 AND ?2 AND \(RetentionHolds.none(on: .usageLogs, user: "usage_logs.user_id", day: "?3", now: "?4"))
        """

    /// The same while nobody holds anything, which the statement asks for all its rows at once: SQLite then deletes each row where it finds it. With a
    /// condition that it has to look up anew for each row it collects their ids first (8.4 and 7.6 µs a row, measured).
    private static let deletionWithoutHolds = """
        DELETE FROM usage_logs WHERE id BETWEEN ?1 AND ?2 AND \(RetentionHolds.nobodyHolds)
        """

    /// Deletes rows that are counted, not set aside and not held, until the allowance is spent.
    ///
    /// Each is read first, in the same transaction, that nobody else can write in. RETURNING would say the same afterwards, but opens a table of
    /// its own for each statement: 105 s for four million rows one by one, and 90 s without (measured). They are read and deleted in stretches of
    /// neighbours, and between two stretches comes a look at the allowance.
    ///
    /// - Parameters:
    ///   - rows: in the order of their ids.
    ///   - columns: what `check` is given of the row as it is now.
    ///   - check: throws `Stale` for a row that is not what it was found to be.
    static func delete<Row>(
        _ db: Database, _ rows: some RandomAccessCollection<Row>, id: (Row) -> Int64, columns: String, _ day: Day,
        _ terms: Terms, _ allowance: Allowance, check: (OpaquePointer, Row) throws -> Void
    ) throws -> (Int, of: Int) {
        var removed = 0
        var looked = 0
        let cursor = try RollupState.read(db).cursor
        let aside = try Int64.fetchSet(
            db.cachedStatement(sql: "SELECT row_id FROM usage_rejects WHERE row_id BETWEEN ? AND ?"),
            arguments: [rows.first.map(id), rows.last.map(id)])
        let date = ContiguousArray(day.description.utf8)
        try date.withUnsafeBufferPointer { date in
            let present = try RawStatement(
                db, "SELECT \(columns), id FROM usage_logs WHERE id BETWEEN ?1 AND ?2 ORDER BY id")
            defer { present.reset() }
            let idColumn = sqlite3_column_count(present.handle) - 1
            let isAnythingHeld = try RetentionHolds.areAny(db)
            let delete = try RawStatement(db, isAnythingHeld ? deletion : deletionWithoutHolds)
            if isAnythingHeld {
                delete.bind(date, at: 3)
                delete.bind(terms.now.milliseconds, at: 4)
            }
            var rest = rows[...]
            while let first = rest.first {
                let stretch = rest.prefix(Neighbours.length(rest, id: id))
                rest = rest.dropFirst(stretch.count)
                looked += stretch.count
                var runs = Runs()
                var expected = stretch.makeIterator()
                var next = expected.next()
                present.bind(id(first), at: 1)
                present.bind(stretch.last.map(id) ?? id(first), at: 2)
                while try present.step() {
                    let rowID = sqlite3_column_int64(present.handle, idColumn)
                    // Those that are gone by now.
                    while let row = next, id(row) < rowID { next = expected.next() }
                    guard let row = next, id(row) == rowID, rowID <= cursor, !aside.contains(rowID) else {
                        runs.end()
                        continue
                    }
                    try check(present.handle, row)
                    runs.add(rowID)
                }
                present.reset()
                for run in runs.all {
                    delete.bind(run.lowerBound, at: 1)
                    delete.bind(run.upperBound, at: 2)
                    try delete.run()
                    removed += Int(sqlite3_changes(db.sqliteConnection))
                }
                if allowance.isSpent { break }
            }
        }
        return (removed, of: looked)
    }

    /// Ids between which no row stands that must stay.
    private struct Runs {
        private(set) var all: [ClosedRange<Int64>] = []
        private var isOpen = false

        mutating func add(_ id: Int64) {
            if isOpen, let run = all.popLast() { all.append(run.lowerBound...id) } else { all.append(id...id) }
            isOpen = true
        }

        mutating func end() { isOpen = false }
    }

    private static func delete(
        _ db: Database, _ ids: ArraySlice<Int64>, _ day: Day, _ zone: Zone, _ terms: Terms, _ allowance: Allowance
    ) throws -> (Int, of: Int) {
        var calendar = DayCalendar(zone: zone)
        return try delete(db, ids, id: { $0 }, columns: "created_at, user_id", day, terms, allowance) { row, _ in
            guard let instant = UsageAccumulator.instant(row, 0), calendar.day(of: instant) == day,
                terms.mayGo(UsageColumn(row, 1).bytes)
            else { throw Stale() }
        }
    }

    /// Rows of the day that may go by the terms, and that a hold keeps.
    static func countHeld(_ db: Database, _ day: Day, _ zone: Zone, _ terms: Terms) throws -> Int64 {
        let held = try RawStatement(
            db,
            """
            SELECT NOT \(RetentionHolds.none(on: .usageLogs, user: "u.user_id", day: "?2", now: "?3"))
            FROM usage_logs u
            WHERE u.id = ?1
            """)
        held.bind(terms.now.milliseconds, at: 3)
        var count: Int64 = 0
        let date = ContiguousArray(day.description.utf8)
        try date.withUnsafeBufferPointer { date in
            held.bind(date, at: 2)
            for id in try find(db, day, zone, terms, after: .min) {
                held.bind(id, at: 1)
                if try held.step(), sqlite3_column_int64(held.handle, 0) != 0 { count += 1 }
                held.reset()
            }
        }
        return count
    }

    /// Ids of counted rows of the day that may go and that no hold keeps, ascending.
    static func findUnheld(_ db: Database, _ day: Day, _ zone: Zone, _ terms: Terms) throws -> [Int64] {
        let ids = try find(db, day, zone, terms, after: .min)
        guard try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM retention_holds)") ?? true else { return ids }
        let unheld = try RawStatement(
            db,
            """
            SELECT 1
            FROM usage_logs u
            WHERE u.id = ?1 AND \(RetentionHolds.none(on: .usageLogs, user: "u.user_id", day: "?2", now: "?3"))
            """)
        unheld.bind(terms.now.milliseconds, at: 3)
        let date = ContiguousArray(day.description.utf8)
        return try date.withUnsafeBufferPointer { date in
            unheld.bind(date, at: 2)
            return try ids.filter { id in
                unheld.bind(id, at: 1)
                defer { unheld.reset() }
                return try unheld.step()
            }
        }
    }

    /// Ids of counted rows of the day that may go, ascending, above `after`.
    private static func find(_ db: Database, _ day: Day, _ zone: Zone, _ terms: Terms, after: Int64) throws -> [Int64] {
        var calendar = DayCalendar(zone: zone)
        let cursor = try RollupState.read(db).cursor
        let aside = Set(try Int64.fetchAll(db, sql: "SELECT row_id FROM usage_rejects"))
        var ids: [Int64] = []
        // Where nobody has terms of their own the index has all there is to know.
        let asksUser = !terms.users.isEmpty
        guard asksUser || terms.othersMayGo else { return [] }
        let columns = asksUser ? "created_at, user_id" : "created_at"
        try UsageScan.forEachRow(db, day...day, calendar: calendar, columns: columns, through: cursor) {
            statement, id in
            guard id > after, !aside.contains(id), let instant = UsageAccumulator.instant(statement, 1),
                calendar.day(of: instant) == day, !asksUser || terms.mayGo(UsageColumn(statement, 2).bytes)
            else { return }
            ids.append(id)
        }
        // In the order of ids, as the table's pages lie; a large day comes back for the rest.
        ids.sort()
        return Array(ids.prefix(mostFound))
    }

    /// The day is purged once nothing of it is left that was counted.
    func close(_ day: Day, _ terms: Terms) async throws {
        let zone = zone
        // By the other connection: the first may be reading for the next day's archive, for a tenth of a second at a time.
        let isEmpty = try await store.readOneOfMany("find rows of \(day) in", on: 1) { db in
            let everybody = Terms(now: terms.now, run: terms.run)
            return try Self.find(db, day, zone, everybody, after: .min).isEmpty
        }
        guard isEmpty else { return }
        let term = term
        try await store.writer.write("close \(day) in") { db, _ in
            try term?.check(db)
            try db.execute(
                sql: "UPDATE usage_days SET state = 'purged', changed_at_ms = ? WHERE date = ? AND state <> 'adopted'",
                arguments: [terms.now.milliseconds, day.description])
        }
    }
}
