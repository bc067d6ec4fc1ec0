import GRDB
import Scheduling

/// The tables, bite by bite.
extension Erasure {
    /// Rows that are looked up at a time; a bite takes as many of them as its time allows.
    private static let rowsAhead = 200

    func eraseTables(_ run: Run, isFirst: Bool) async throws {
        let columns = try await store.read("read the columns of") { [exceptions] db in
            try ErasureColumns.read(db, leaving: exceptions.columns)
        }
        for rule in ErasureRule.all {
            run.progress(rule.table)
            switch rule.treatment {
            case .deleted:
                let delete: @Sendable (Database, Int64) throws -> Void = { db, row in
                    try db.cachedStatement(sql: "DELETE FROM \(rule.table) WHERE rowid = ?").execute(arguments: [row])
                }
                if rule.isIndexed {
                    try await each(of: rule, run, delete)
                } else {
                    try await eachFound(of: rule, run, delete)
                }
            case .rekeyed where rule.table == "usage_logs": try await eraseUsage(columns, run)
            case .rekeyed: try await eraseAuditLogs(columns, run)
            case .renamed, .special, .nobodys: break
            }
        }
        try await mergeTotals(run)
        try await eraseOwnTables(run)
        // These are read from end to end. What names the person in a row of somebody else's does not come by itself.
        guard isFirst else { return }
        for rule in ErasureRule.all where !rule.json.isEmpty || !rule.names.isEmpty {
            run.progress("names in \(rule.table)")
            try await rename(rule, run)
        }
    }

    /// Calls `change` with the rowid of every row of the person's, which it takes out of their reach.
    ///
    /// - Parameter most: it ends after about so many.
    @discardableResult
    private func each(
        of rule: ErasureRule, _ run: Run, most: Int = .max,
        _ change: @escaping @Sendable (Database, Int64) throws -> Void
    ) async throws -> Int {
        var total = 0
        let user = user
        while total < most {
            try run.check()
            let done = try await write("erase rows of \(rule.table) in") { db, allowance, holds in
                let rows = try Row.fetchAll(
                    db.cachedStatement(
                        sql: """
                            SELECT \((["rowid"] + rule.times).joined(separator: ", "))
                            FROM \(rule.table)
                            WHERE \(rule.isOwn)
                            LIMIT \(Self.rowsAhead)
                            """),
                    arguments: [user])
                var done = 0
                for row in rows {
                    if !holds.areNone, let hold = holds.hold(on: rule, row: row, times: 1..<(1 + rule.times.count)) {
                        throw ErasureHolds.refusal(hold)
                    }
                    try change(db, row[0])
                    done += 1
                    if allowance.isSpent { break }
                }
                try run.record.add(done, to: rule.table, db)
                return done
            }
            total += done
            if done == 0 { break }
        }
        return total
    }

    /// The same of a table that no index searches: its rows are found in snapshots, and looked at once more under the lock.
    private func eachFound(
        of rule: ErasureRule, _ run: Run, _ change: @escaping @Sendable (Database, Int64) throws -> Void
    ) async throws {
        let user = user
        var after = Int64.min
        while true {
            let from = after
            let (last, found) = try await store.readOneOfMany("find rows of \(rule.table) in") { db in
                let last = try Self.lastScanned(db, rule.table, after: from)
                let found = try Int64.fetchAll(
                    db.cachedStatement(
                        sql: "SELECT rowid FROM \(rule.table) WHERE rowid > ?2 AND rowid <= ?3 AND \(rule.isOwn)"),
                    arguments: [user, from, last ?? from])
                return (last, found)
            }
            guard let last else { return run.scanned.note(after, of: rule.table) }
            after = last
            var rows = found[...]
            while !rows.isEmpty {
                try run.check()
                let ahead = rows
                let looked = try await write("erase rows of \(rule.table) in") { db, allowance, holds in
                    var (looked, done) = (0, 0)
                    for rowID in ahead {
                        looked += 1
                        let row = try Row.fetchOne(
                            db.cachedStatement(
                                sql: """
                                    SELECT \((["rowid"] + rule.times).joined(separator: ", "))
                                    FROM \(rule.table)
                                    WHERE rowid = ?2 AND \(rule.isOwn)
                                    """),
                            arguments: [user, rowID])
                        guard let row else { continue }
                        if !holds.areNone, let hold = holds.hold(on: rule, row: row, times: 1..<(1 + rule.times.count))
                        {
                            throw ErasureHolds.refusal(hold)
                        }
                        try change(db, rowID)
                        done += 1
                        if allowance.isSpent { break }
                    }
                    try run.record.add(done, to: rule.table, db)
                    return looked
                }
                rows.removeFirst(looked)
            }
        }
    }

    // MARK: Rows that stay

    private func eraseUsage(_ columns: ErasureColumns, _ run: Run) async throws {
        let emptied = columns.emptied["usage_logs", default: []].map { "\($0) = NULL, " }.joined()
        let sql = """
            UPDATE usage_logs
            SET user_id = ?2,
                -- the person may know theirs, and so may whoever they sent one to
                request_id = 'erased-' || lower(hex(randomblob(16))),
                \(emptied)updated_at = CURRENT_TIMESTAMP
            WHERE id = ?1
            """
        repeat {
            let done = try await each(of: .usageLogs, run, most: Self.rowsBetweenRollups) { db, row in
                try run.proof.noting(db) {
                    try db.cachedStatement(sql: sql).execute(arguments: [row, run.record.pseudonym])
                }
            }
            run.progress("moving the sums of \(done) rows")
            try await rollUp(run.proof, run.shouldStop)
            if done < Self.rowsBetweenRollups { return }
        } while true
    }

    private func eraseAuditLogs(_ columns: ErasureColumns, _ run: Run) async throws {
        let emptied = columns.emptied["audit_logs", default: []].map { ", \($0) = NULL" }.joined()
        let user = user
        try await each(of: .auditLogs, run) { db, row in
            try db.cachedStatement(
                sql: """
                    UPDATE audit_logs
                    SET user_id = ?2, resource_id = CASE resource_id WHEN ?3 THEN ?2 ELSE resource_id END\(emptied)
                    WHERE rowid = ?1
                    """
            ).execute(arguments: [row, run.record.pseudonym, user])
        }
    }

    /// Tables of tallyd's own, each with few rows of one person.
    private func eraseOwnTables(_ run: Run) async throws {
        let user = user
        let pseudonym = run.record.pseudonym
        try await write("erase from tallyd's tables in") { db, _, _ in
            try db.execute(sql: "DELETE FROM retention_overrides WHERE user_id = ?", arguments: [user])
            try run.record.add(db.changesCount, to: "retention_overrides", db)
            let holds = try RetentionHolds.fetch(db, "WHERE user_id = ?", [user])
            for hold in holds {
                var scope = hold.scope
                scope.user = pseudonym
                // The reason is free text, and tells of a case of theirs.
                try db.execute(
                    sql: "UPDATE retention_holds SET user_id = ?, reason = 'erased' WHERE id = ?",
                    arguments: [pseudonym, hold.id])
                try db.execute(
                    sql: """
                        UPDATE audit_logs
                        SET metadata = json_object('reason', 'erased', 'scope', ?)
                        WHERE user_id = 'tallyd' AND resource_type = 'retention_holds' AND resource_id = ?
                        """,
                    arguments: [scope.words, "\(hold.id)"])
            }
            try run.record.add(holds.count, to: "retention_holds", db)
            // What stood there when the row was set aside; of a row whose columns are shifted, that may be the name.
            try db.execute(
                sql: """
                    UPDATE usage_rejects
                    SET detail = ''
                    WHERE instr(detail, ?1) > 0
                      AND EXISTS (SELECT 1 FROM usage_logs u WHERE u.id = usage_rejects.row_id AND u.user_id = ?2)
                    """,
                arguments: [user, pseudonym])
            try run.record.add(db.changesCount, to: "usage_rejects", db)
            // As `UsageAccumulator` names a key whose sum is too large.
            for (table, column) in [("job_runs", "error"), ("audit_logs", "metadata")] {
                try db.execute(
                    sql: """
                        UPDATE \(table)
                        SET \(column) = replace(\(column), 'user ' || ?1 || ', model ', 'user ' || ?2 || ', model ')
                        WHERE \(table == "audit_logs" ? "user_id = 'tallyd' AND " : "")instr(\(column), 'user ' || ?1 || ', model ') > 0
                        """,
                    arguments: [user, pseudonym])
                try run.record.add(db.changesCount, to: table, db)
            }
        }
    }
}
