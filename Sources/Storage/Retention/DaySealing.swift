import GRDB
package import Scheduling

/// Sealing one day of usage_logs: the first step of a day's life, on which all others rest (see `DayPurge`).
///
/// A day may be sealed once everything that arrived is counted and what is stored equals what its raw rows say. Only a sealed day's rows may
/// go. From then on the day is only added to.
package struct DaySealing: Sendable {
    let store: Store
    let zone: Zone
    let term: Term?
    /// Rows of a day that is read in slices: their ids take 16 MB. A larger day is read in one snapshot, whatever that does to the log.
    package var mostSliced = 2_000_000

    package init(store: Store, zone: Zone, term: Term? = nil) {
        self.store = store
        self.zone = zone
        self.term = term
    }

    /// Why a day can't be sealed now. Each passes by itself when the rollup goes on, but drift, which asks for a rebuild.
    package enum Refusal: Sendable, Equatable {
        case rowsNotCounted, correctionsWaiting, marked, alreadyClosed, drift(keys: Int), changedMeanwhile
    }

    /// Seals a day that the caller knows to be over, and tells of it; of drift as well, each time that it is found. Nil when it is sealed.
    ///
    /// Its rows are read in many short snapshots, so that a purge beside it can begin its log anew between two of them.
    package func seal(_ day: Day, now: Instant) async throws -> Refusal? {
        try await finish(day, try await audit(day), now)
    }

    /// The same of two days, each in one snapshot and both at the same time: an audit keeps one processor busy, and hardly waits for the disk.
    package func seal(_ first: Day, _ second: Day, now: Instant) async throws -> (Refusal?, Refusal?) {
        let zone = zone
        let (one, other) = try await store.readTwoOfMany("audit \(first) and \(second) in") { db in
            try Self.audit(db, first, zone)
        } _: { db in
            try Self.audit(db, second, zone)
        }
        return (try await finish(first, one, now), try await finish(second, other, now))
    }

    private struct Audit: Sendable {
        var refusal: Refusal?
        let position: Position
        var total = DayTotal()

        mutating func judge(_ drift: DayDrift, _ db: Database, _ day: Day) throws {
            guard drift.isNone else {
                refusal = .drift(keys: drift.keys.count)
                return
            }
            // Added up here and not while the lock is held: a day may have tens of thousands of totals. What holds for the audit holds for their sum.
            total = try DayTotal.read(db, day)
        }
    }

    private static func audit(_ db: Database, _ day: Day, _ zone: Zone) throws -> Audit {
        var audit = Audit(position: try Position.read(db))
        audit.refusal = try obstacle(db, day, zone, tailAfter: audit.position.cursor)
        guard audit.refusal == nil else { return audit }
        let rules = try rules(db, zone)
        let drift = try DayAudit.drift(db, day: day, cursor: audit.position.cursor, rules: rules)
        try audit.judge(drift, db, day)
        return audit
    }

    private static func rules(_ db: Database, _ zone: Zone) throws -> CountingRules {
        CountingRules(calendar: DayCalendar(zone: zone), prices: try PriceBook.read(db), adopted: [:])
    }

    /// Rows of a day that are read in one snapshot, a quarter of a second, where slices won't do.
    private static let longestAtOnce = 200_000
    /// Rows of a snapshot: 10 to 20 ms of reading by id.
    private static let sliceRows = 5_000
    /// The rows that are counted are read as they stand, slice by slice. Whatever happens to one of them meanwhile is logged, so that where nothing was
    /// logged in the end they are what they were; and a row of the day that comes keeps the day open.
    private func audit(_ day: Day) async throws -> Audit {
        let (zone, mostSliced) = (zone, mostSliced)
        let (begun, slices): (Audit, (rows: Slices, ids: [Int64])?) = try await store.readOneOfMany(
            "audit \(day) in"
        ) { db in
            var audit = Audit(position: try Position.read(db))
            audit.refusal = try Self.obstacle(db, day, zone, tailAfter: audit.position.cursor)
            guard audit.refusal == nil else { return (audit, nil) }
            let ids = try UsageScan.ids(
                db, day, calendar: DayCalendar(zone: zone), through: audit.position.cursor, most: mostSliced)
            guard let ids else { return (try Self.audit(db, day, zone), nil) }
            return (audit, (Slices(try Self.rules(db, zone), of: day), ids))
        }
        guard let (rows, ids) = slices else { return begun }
        for start in stride(from: 0, to: ids.count, by: Self.sliceRows) {
            let slice = ids[start..<min(start + Self.sliceRows, ids.count)]
            try await store.readOneOfMany("audit \(day) in") { db in
                try UsageScan.readRows(db, slice, into: rows.accumulator)
            }
        }
        return try await store.readOneOfMany("audit \(day) in") { db in
            var audit = begun
            guard try Position.read(db).isAsQuiet(as: begun.position) else {
                // Of this day or of another: the slices do not tell. In one snapshot there is no between, if the day is not too long for that.
                if ids.count <= Self.longestAtOnce { return try Self.audit(db, day, zone) }
                audit.refusal = .changedMeanwhile
                return audit
            }
            audit.refusal = try Self.obstacle(db, day, zone, tailAfter: begun.position.cursor)
            guard audit.refusal == nil else { return audit }
            let drift = try DayAudit.drift(
                db, of: rows.accumulator, day: day, cursor: begun.position.cursor, rules: rows.rules)
            try audit.judge(drift, db, day)
            return audit
        }
    }

    /// What the slices of a day add up to.
    fileprivate final class Slices {
        let rules: CountingRules
        let accumulator: UsageAccumulator

        init(_ rules: CountingRules, of day: Day) {
            self.rules = rules
            accumulator = UsageAccumulator(rules: rules, only: day...day)
        }
    }

    private func finish(_ day: Day, _ audit: Audit, _ now: Instant) async throws -> Refusal? {
        let zone = zone
        let term = term
        if let refusal = audit.refusal {
            if case .drift(let keys) = refusal {
                try await store.writer.write("tell of drift in") { db, _ in
                    try term?.check(db)
                    try OwnEvent.driftFound(day: day.description, keys: keys).insert(db, now: now)
                }
            }
            return refusal
        }
        return try await store.writer.write("seal \(day) in") { db, _ in
            try term?.check(db)
            // No price became known since the audit, and no row of the day came that is not counted. A correction of the day that was logged since and
            // counted already has moved its rows and its totals by the same, and one that is not counted yet is an obstacle: what was found still holds.
            guard try Position.read(db).prices == audit.position.prices else { return .changedMeanwhile }
            if let refusal = try Self.obstacle(db, day, zone, tailAfter: audit.position.cursor) { return refusal }
            try db.execute(
                sql: "INSERT INTO usage_days (date, state, changed_at_ms) VALUES (?, 'sealed', ?)",
                arguments: [day.description, now.milliseconds])
            try OwnEvent.daySealed(day: day.description, audit.total).insert(db, now: now)
            return nil
        }
    }

    /// Rows behind the cursor that are looked at one by one: what a busy gateway writes in some seconds. They are looked at once more while the
    /// lock is held.
    private static let longestTail: Int64 = 5_000

    /// Whether the day has rows behind the cursor, which a busy gateway always has: what matters is that none of them is of this day. A batch
    /// that is being applied is of such rows too.
    private static func hasRows(_ db: Database, of day: Day, _ zone: Zone, after cursor: Int64) throws -> Bool {
        let last = try Int64.fetchOne(db, sql: "SELECT MAX(id) FROM usage_logs") ?? 0
        guard last - cursor <= longestTail else { return true }
        let rows = try RawStatement(db, "SELECT created_at FROM usage_logs WHERE id > ?1")
        rows.bind(cursor, at: 1)
        defer { rows.reset() }
        var calendar = DayCalendar(zone: zone)
        while try rows.step() {
            if let instant = UsageAccumulator.instant(rows.handle, 0), calendar.day(of: instant) == day { return true }
        }
        return false
    }

    private static func obstacle(_ db: Database, _ day: Day, _ zone: Zone, tailAfter cursor: Int64) throws -> Refusal? {
        func isTrue(_ sql: String, _ arguments: StatementArguments = []) throws -> Bool {
            try Bool.fetchOne(db, sql: sql, arguments: arguments) ?? false
        }
        if try isTrue("SELECT EXISTS (SELECT 1 FROM usage_days WHERE date = ?)", [day.description]) {
            return .alreadyClosed
        }
        if try hasRows(db, of: day, zone, after: cursor) { return .rowsNotCounted }
        if try PendingChanges.concern(db, day, zone) { return .correctionsWaiting }
        if try isTrue("SELECT EXISTS (SELECT 1 FROM rollup_dirty_days WHERE date = ?)", [day.description]) {
            return .marked
        }
        return nil
    }

    /// Where counting and the log stood.
    private struct Position: Sendable {
        let cursor: Int64
        let lastChange: Int64
        /// The book only ever grows, and a first price makes days be derived anew.
        let prices: Int

        func isAsQuiet(as other: Position) -> Bool { lastChange == other.lastChange && prices == other.prices }

        static func read(_ db: Database) throws -> Position {
            Position(
                cursor: try RollupState.read(db).cursor,
                lastChange: try Int64.fetchOne(db, sql: "SELECT seq FROM sqlite_sequence WHERE name = 'usage_changes'")
                    ?? 0,
                prices: try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM model_price_book") ?? 0)
        }
    }
}

// One reading at a time uses it: each is awaited before the next begins.
extension DaySealing.Slices: @unchecked Sendable {}
