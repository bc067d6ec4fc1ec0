import GRDB
import GRDBSQLite
package import Scheduling

/// Sealing and purging one day of usage_logs: the two steps of a day's life that the rollup's promises rest on.
///
/// A day may be sealed once everything that arrived is counted and what is stored equals what its raw rows say. Only a sealed day's rows may
/// go. From then on the day is only added to.
package struct DaySealing: Sendable {
    let store: Store
    let zone: Zone
    let term: Term?

    package init(store: Store, zone: Zone, term: Term? = nil) {
        self.store = store
        self.zone = zone
        self.term = term
    }

    /// Why a day can't be sealed now. Each passes by itself when the rollup goes on, but drift, which asks for a rebuild.
    package enum Refusal: Sendable, Equatable {
        case rowsNotCounted, correctionsWaiting, marked, alreadyClosed, drift(keys: Int), changedMeanwhile
    }

    /// Seals a day that the caller knows to be over. Nil when it is sealed.
    package func seal(_ day: Day, now: Instant) async throws -> Refusal? {
        let zone = zone
        let (refusal, before) = try await store.read("audit \(day) in") { db -> (Refusal?, Position) in
            let position = try Position.read(db)
            if let refusal = try Self.obstacle(db, day) { return (refusal, position) }
            let rules = CountingRules(calendar: DayCalendar(zone: zone), prices: try PriceBook.read(db), adopted: [:])
            let drift = try DayAudit.drift(db, day: day, cursor: position.cursor, rules: rules)
            return (drift.isNone ? nil : .drift(keys: drift.keys.count), position)
        }
        if let refusal { return refusal }
        let term = term
        return try await store.writer.write("seal \(day) in") { db, _ in
            try term?.check(db)
            // Nothing was counted, corrected or logged since the audit, so what it found still holds.
            guard try Position.read(db) == before else { return .changedMeanwhile }
            if let refusal = try Self.obstacle(db, day) { return refusal }
            try db.execute(
                sql: "INSERT INTO usage_days (date, state, changed_at_ms) VALUES (?, 'sealed', ?)",
                arguments: [day.description, now.milliseconds])
            return nil
        }
    }

    private static func obstacle(_ db: Database, _ day: Day) throws -> Refusal? {
        func isTrue(_ sql: String, _ arguments: StatementArguments = []) throws -> Bool {
            try Bool.fetchOne(db, sql: sql, arguments: arguments) ?? false
        }
        if try isTrue("SELECT EXISTS (SELECT 1 FROM usage_days WHERE date = ?)", [day.description]) {
            return .alreadyClosed
        }
        if try isTrue(
            """
            SELECT claim > cursor OR EXISTS (SELECT 1 FROM usage_logs WHERE id > cursor)
            FROM rollup_state
            """)
        {
            return .rowsNotCounted
        }
        if try isTrue("SELECT EXISTS (SELECT 1 FROM usage_changes)") { return .correctionsWaiting }
        if try isTrue("SELECT EXISTS (SELECT 1 FROM rollup_dirty_days WHERE date = ?)", [day.description]) {
            return .marked
        }
        return nil
    }

    /// Where counting and the log stood.
    private struct Position: Equatable {
        let cursor: Int64
        let lastChange: Int64

        static func read(_ db: Database) throws -> Position {
            Position(
                cursor: try RollupState.read(db).cursor,
                lastChange: try Int64.fetchOne(db, sql: "SELECT seq FROM sqlite_sequence WHERE name = 'usage_changes'")
                    ?? 0)
        }
    }

    /// Removes a sealed day's counted rows, bite by bite; rows that were set aside stay. The deletes are no corrections: the flag that the change
    /// log's triggers ask is up in these transactions alone.
    ///
    /// - Returns: rows removed. Ends early, with the day still sealed, while corrections wait: purge again after the next rollup.
    /// - Throws: `StorageError` of kind `rawIncomplete` for a day that is not sealed.
    package func purge(_ day: Day, now: Instant) async throws -> Int {
        let zone = zone
        let term = term
        var removed = 0
        while true {
            let ids = try await store.read("find rows of \(day) in") { db in
                try Self.purgeable(db, day, zone, limit: 1_000)
            }
            let count = try await store.writer.write("purge \(day) from") { db, allowance -> Int? in
                try term?.check(db)
                let state = try String.fetchOne(
                    db, sql: "SELECT state FROM usage_days WHERE date = ?", arguments: [day.description])
                guard let state, state != "adopted" else {
                    throw StorageError(
                        .rawIncomplete, cannot: "purge", "\(day)", because: "it is not sealed",
                        remedy: "Let the rollup finish; a day is sealed once all of it is counted.")
                }
                // A row may have been corrected into one that can't be counted: until the log has been worked off nobody knows.
                let isQuiet = try Bool.fetchOne(db, sql: "SELECT NOT EXISTS (SELECT 1 FROM usage_changes)") ?? false
                guard isQuiet else { return nil }
                var done = 0
                try db.execute(sql: "UPDATE rollup_state SET purging = 1 WHERE id = 1")
                let delete = try RawStatement(
                    db,
                    """
                    DELETE FROM usage_logs
                    WHERE id = ?1
                      AND created_at IS ?2  -- it still is the row that was read: a correction may have moved it to another day
                      AND NOT EXISTS (SELECT 1 FROM usage_rejects r WHERE r.row_id = ?1)
                    """)
                for (id, createdAt) in ids {
                    delete.bind(id, at: 1)
                    try Self.bind(createdAt, delete)
                    try delete.run()
                    done += 1
                    if allowance.isSpent { break }
                }
                try db.execute(sql: "UPDATE rollup_state SET purging = 0 WHERE id = 1")
                if ids.isEmpty {
                    try db.execute(
                        sql: "UPDATE usage_days SET state = 'purged', changed_at_ms = ? WHERE date = ?",
                        arguments: [now.milliseconds, day.description])
                }
                return done
            }
            guard let count else { return removed }
            removed += count
            if ids.isEmpty { return removed }
        }
    }

    private static func bind(_ value: DatabaseValue, _ statement: RawStatement) throws {
        switch value.storage {
        case .int64(let number): statement.bind(number, at: 2)
        case .double(let number): sqlite3_bind_double(statement.handle, 2, number)
        case .string(let text):
            sqlite3_bind_text(statement.handle, 2, text, -1, unsafeBitCast(-1, to: sqlite3_destructor_type.self))
        case .null, .blob: sqlite3_bind_null(statement.handle, 2)
        }
    }

    private static func purgeable(_ db: Database, _ day: Day, _ zone: Zone, limit: Int) throws -> [(
        Int64, DatabaseValue
    )] {
        var calendar = DayCalendar(zone: zone)
        let cursor = try RollupState.read(db).cursor
        let aside = Set(try Int64.fetchAll(db, sql: "SELECT row_id FROM usage_rejects"))
        var found: [(Int64, DatabaseValue)] = []
        try UsageScan.forEachRow(db, day...day, calendar: calendar, columns: "created_at", through: cursor) {
            statement, id in
            guard found.count < limit, !aside.contains(id),
                let instant = UsageAccumulator.instant(statement, 1), calendar.day(of: instant) == day
            else { return }
            found.append((id, DatabaseValue(sqliteStatement: statement, index: 1)))
        }
        return found
    }
}
