import GRDB
import GRDBSQLite
import Scheduling

/// Finds and removes rows of a table by their own time, one row judged at a time: in a snapshot first, and again in the transaction that deletes.
struct RetentionScan: Sendable {
    let table: RetentionTable
    let period: RetentionPeriod
    let overrides: [Verbatim: RetentionPeriod]
    /// As far as the clock is believed.
    let believed: Instant

    struct Due: Sendable {
        let rowID: Int64
        /// From when on its age counts.
        let since: Instant
    }

    struct Part: Sendable {
        var due: [Due] = []
        var rows: Int64 = 0
        var held: Int64 = 0
        var unreadable: Int64 = 0
        /// Where the next part begins; nil after the last.
        var last: Int64?
    }

    /// Rows of a snapshot: some tens of milliseconds.
    private static let rowsPerSnapshot = 20_000

    /// What `judge` reads.
    var columns: String { "rowid, \(table.user ?? "NULL"), \(table.ageColumns)" }

    func day(of instant: Instant, _ calendar: inout DayCalendar) -> String {
        (calendar.day(of: instant) ?? (instant.milliseconds < 0 ? .first : .last)).description
    }

    /// Judges the rows behind `after`, in the order of rowid.
    func read(_ db: Database, after: Int64, zone: Zone) throws -> Part {
        var calendar = DayCalendar(zone: zone)
        var part = Part()
        let rows = try RawStatement(
            db,
            """
            SELECT \(columns)
            FROM \(table.rawValue)
            WHERE rowid > ?1
            ORDER BY rowid
            LIMIT \(Self.rowsPerSnapshot)
            """)
        rows.bind(after, at: 1)
        defer { rows.reset() }
        let isUnheld = try HoldQuestion(db, table, now: believed)
        var last: Int64 = after
        while try rows.step() {
            part.rows += 1
            last = sqlite3_column_int64(rows.handle, 0)
            switch try judge(db, rows.handle) {
            case .unreadable: part.unreadable += 1
            case .young: break
            case .old(let since):
                if try isUnheld.ask(last, day: day(of: since, &calendar)) {
                    part.due.append(Due(rowID: last, since: since))
                } else {
                    part.held += 1
                }
            }
        }
        part.last = part.rows == Self.rowsPerSnapshot ? last : nil
        return part
    }

    enum Judgement {
        case unreadable, young
        case old(Instant)
    }

    /// Of a row of `table` that the statement stands on, with `columns`.
    func judge(_ db: Database, _ statement: OpaquePointer) throws -> Judgement {
        guard let since = try table.countsFrom(db, statement) else { return .unreadable }
        let terms = overrides.isEmpty ? period : overrides[Verbatim(UsageColumn(statement, 1).string)] ?? period
        guard case .limited(let period) = terms, since <= believed.before(by: period) else { return .young }
        return .old(since)
    }

    /// Removes those of the rows that still are old and are not held, until the allowance is spent.
    ///
    /// - Returns: rows removed, and how many of the list were dealt with.
    func remove(_ db: Database, _ rows: ArraySlice<Due>, zone: Zone, _ allowance: Allowance) throws -> (
        removed: Int, looked: Int
    ) {
        var calendar = DayCalendar(zone: zone)
        let present = try RawStatement(db, "SELECT \(columns) FROM \(table.rawValue) WHERE rowid = ?1")
        var removed = 0
        var looked = 0
        for row in rows {
            present.bind(row.rowID, at: 1)
            var isGone = true
            if try present.step(), case .old(let since) = try judge(db, present.handle) {
                let day = day(of: since, &calendar)
                present.reset()
                isGone = try delete(db, row.rowID, day: day, allowance, &removed)
            }
            present.reset()
            // A conversation with more messages than a bite can take stays until the next one.
            if isGone { looked += 1 }
            if allowance.isSpent || !isGone { break }
        }
        return (removed, looked)
    }

    /// False when there is more to do for this row than the allowance had.
    private func delete(
        _ db: Database, _ rowID: Int64, day: String, _ allowance: Allowance, _ removed: inout Int
    ) throws -> Bool {
        while table == .conversations {
            try db.cachedStatement(
                sql: """
                    DELETE FROM messages
                    WHERE rowid IN (
                      SELECT m.rowid
                      FROM messages m
                      JOIN conversations c ON c.id = m.conversation_id
                      WHERE c.rowid = ?1
                        AND \(RetentionHolds.none(on: .conversations, user: "c.user_id", day: "?2", now: "?3"))
                        AND \(RetentionHolds.none(on: .conversations, user: "m.user_id", day: "?2", now: "?3"))
                      LIMIT 100
                    )
                    """
            ).execute(arguments: [rowID, day, believed.milliseconds])
            guard db.changesCount > 0 else { break }
            if allowance.isSpent { return false }
        }
        removed += try deleteRow(db, rowID, day: day)
        return true
    }

    /// Removes one row, unless a hold keeps it; a conversation only when it has no message any more.
    ///
    /// - Returns: 1, or 0.
    func deleteRow(_ db: Database, _ rowID: Int64, day: String) throws -> Int {
        let unheld = RetentionHolds.none(
            on: table, user: table.user.map { "\(table.rawValue).\($0)" }, day: "?2", now: "?3")
        switch table {
        case .conversations:
            try db.cachedStatement(
                sql: """
                    DELETE FROM conversations
                    WHERE rowid = ?1
                      AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.conversation_id = conversations.id)
                      AND \(unheld)
                    """
            ).execute(arguments: [rowID, day, believed.milliseconds])
            return db.changesCount
        case .rejects:
            // The row itself: it was never counted, so that this is no correction.
            try db.execute(sql: "UPDATE rollup_state SET purging = 1 WHERE id = 1")
            try db.cachedStatement(
                sql: """
                    DELETE FROM usage_logs
                    WHERE id = ?1
                      AND EXISTS (SELECT 1 FROM usage_rejects r WHERE r.row_id = ?1)
                      -- One that was put right, and is to be counted, is none any more. Where very many changes wait nothing is looked for among them,
                      -- and the row stays until the next run.
                      AND NOT EXISTS (SELECT 1 FROM usage_changes LIMIT 1 OFFSET 1000)
                      AND NOT EXISTS (SELECT 1 FROM usage_changes c WHERE c.row_id = ?1)
                      AND \(RetentionHolds.none(on: .usageLogs, user: "usage_logs.user_id", day: "?2", now: "?3"))
                      AND \(RetentionHolds.none(on: .rejects, user: "usage_logs.user_id", day: "?2", now: "?3"))
                    """
            ).execute(arguments: [rowID, day, believed.milliseconds])
            let removed = db.changesCount
            try db.execute(sql: "UPDATE rollup_state SET purging = 0 WHERE id = 1")
            try forgetReject(db, rowID)
            return removed
        case .usageLogs, .auditLogs, .systemMetrics, .userSessions, .rateLimits, .jobRuns, .webhookAttempts,
            .webhookDeliveries, .webhookEvents:
            try db.cachedStatement(sql: "DELETE FROM \(table.rawValue) WHERE rowid = ?1 AND \(unheld)")
                .execute(arguments: [rowID, day, believed.milliseconds])
            return db.changesCount
        }
    }

    /// What is noted of a usage row that was set aside and is there no more.
    func forgetReject(_ db: Database, _ rowID: Int64) throws {
        try db.cachedStatement(
            sql: """
                DELETE FROM usage_rejects
                WHERE row_id = ?1 AND NOT EXISTS (SELECT 1 FROM usage_logs u WHERE u.id = ?1)
                """
        ).execute(arguments: [rowID])
    }
}
