import GRDB

/// Rows of others that name the person.
extension Erasure {
    /// Rows that are looked through in one snapshot.
    private static let rowsScanned = 10_000

    /// Rows of others that name the person.
    struct Naming: Sendable {
        var rows: [Int64] = []
        /// A hold that keeps one of them.
        var hold: RetentionHolds.Hold?
        fileprivate var last: Int64?
    }

    /// Looks for rows of others that name the person: all of the table is read, a part a snapshot.
    func naming(_ rule: ErasureRule, _ visit: @Sendable (Naming) async throws -> Void) async throws {
        let (user, zone, now) = (user, zone, now())
        let columns = rule.json + rule.names
        // An escape may stand for any letter, so a text with one is read closely.
        let suspicions =
            rule.json.map { "instr(\($0), ?1) > 0 OR instr(\($0), '\\') > 0" } + rule.names.map { "\($0) = ?1" }
        var after = Int64.min
        while true {
            let from = after
            let part = try await store.read("look for names in") { db -> Naming in
                var holds = try ErasureHolds(db, user: user, zone: zone, now: now)
                var part = Naming()
                part.last = try Self.lastScanned(db, rule.table, after: from)
                guard let last = part.last else { return part }
                let rows = try Row.fetchAll(
                    db.cachedStatement(
                        sql: """
                            SELECT rowid, \((columns + rule.times).joined(separator: ", "))
                            FROM \(rule.table)
                            WHERE rowid > ?2 AND rowid <= ?3 AND NOT \(rule.isOwn) AND (\(suspicions.joined(separator: " OR ")))
                            """),
                    arguments: [user, from, last])
                for row in rows where Self.renamed(row, rule, user, by: "") != nil {
                    part.rows.append(row[0])
                    if !holds.areNone, part.hold == nil {
                        part.hold = holds.hold(on: rule, row: row, times: Self.times(of: rule))
                    }
                }
                return part
            }
            guard let last = part.last else { return }
            after = last
            if !part.rows.isEmpty { try await visit(part) }
        }
    }

    /// Where a snapshot's part of a table ends that is read from end to end; nil behind its last row.
    static func lastScanned(_ db: Database, _ table: String, after row: Int64) throws -> Int64? {
        try Int64.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT MAX(rowid)
                    FROM (SELECT rowid FROM \(table) WHERE rowid > ? ORDER BY rowid LIMIT \(rowsScanned))
                    """),
            arguments: [row])
    }

    /// Where the times stand in a row that is looked through: after its rowid and the columns that may name somebody.
    private static func times(of rule: ErasureRule) -> Range<Int> {
        let start = 1 + rule.json.count + rule.names.count
        return start..<(start + rule.times.count)
    }

    /// The columns of a row with the name replaced, after its rowid; nil when it names nobody.
    private static func renamed(_ row: Row, _ rule: ErasureRule, _ user: String, by other: String) -> [String?]? {
        var isNamed = false
        let columns = (rule.json + rule.names).enumerated().map { index, name -> String? in
            guard let text = String.fromDatabaseValue(row[index + 1]) else { return nil }
            if rule.names.contains(name) {
                guard text.utf8.elementsEqual(user.utf8) else { return nil }
                isNamed = true
                return other
            }
            guard let changed = NamesInJSON.replacing(user, by: other, in: text) else { return nil }
            isNamed = true
            return changed
        }
        return isNamed ? columns : nil
    }

    func rename(_ rule: ErasureRule, _ run: Run) async throws {
        let user = user
        let pseudonym = run.record.pseudonym
        let columns = rule.json + rule.names
        try await naming(rule) { found in
            var rest = found.rows[...]
            while !rest.isEmpty {
                try run.check()
                let part = rest
                let done = try await write("replace names in") { db, allowance, holds in
                    var done = 0
                    for id in part {
                        done += 1
                        let row = try Row.fetchOne(
                            db.cachedStatement(
                                sql: """
                                    SELECT rowid, \((columns + rule.times).joined(separator: ", "))
                                    FROM \(rule.table)
                                    WHERE rowid = ?
                                    """),
                            arguments: [id])
                        guard let row, let texts = Self.renamed(row, rule, user, by: pseudonym) else { continue }
                        if !holds.areNone, let hold = holds.hold(on: rule, row: row, times: Self.times(of: rule)) {
                            throw ErasureHolds.refusal(hold)
                        }
                        for (column, text) in zip(columns, texts) {
                            guard let text else { continue }
                            try db.execute(
                                sql: "UPDATE \(rule.table) SET \(column) = ? WHERE rowid = ?", arguments: [text, id])
                        }
                        if rule.table == "feature_flags" { try Self.untarget(db, id, pseudonym) }
                        if allowance.isSpent { break }
                    }
                    try run.record.add(done, to: "\(rule.table)_naming", db)
                    return done
                }
                rest = rest.dropFirst(done)
            }
        }
    }

    /// Takes a user out of a flag's list, where a pseudonym has no use.
    private static func untarget(_ db: Database, _ id: Int64, _ user: String) throws {
        repeat {
            try db.execute(
                sql: """
                    UPDATE feature_flags
                    SET target_users = json_remove(target_users, (
                      SELECT fullkey FROM json_each(target_users) WHERE type = 'text' AND atom = ?2 LIMIT 1
                    ))
                    WHERE rowid = ?1
                      -- CASE keeps the order: json_each of what is no JSON is an error
                      AND CASE
                        WHEN json_valid(target_users) THEN
                          json_type(target_users) = 'array'
                          AND EXISTS (SELECT 1 FROM json_each(target_users) WHERE type = 'text' AND atom = ?2)
                      END
                    """,
                arguments: [id, user])
        } while db.changesCount > 0
    }
}
