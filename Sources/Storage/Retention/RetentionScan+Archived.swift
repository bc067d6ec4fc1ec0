import GRDB
import GRDBSQLite
import Scheduling

/// Removing rows that stand in an archive: each is found again by its key, compared byte for byte with its line, and judged once more.
extension RetentionScan {
    /// Those of the rows that are old, are of the day, and are kept by no hold.
    func stillDue(_ db: Database, _ ids: ArraySlice<Int64>, on day: Day, zone: Zone) throws -> [Int64] {
        var calendar = DayCalendar(zone: zone)
        let date = day.description
        let present = try RawStatement(db, "SELECT \(columns) FROM \(table.rawValue) WHERE rowid = ?1")
        let isUnheld = try HoldQuestion(db, table, now: believed)
        return try ids.filter { id in
            present.bind(id, at: 1)
            defer { present.reset() }
            guard try present.step(), case .old(let since) = try judge(db, present.handle),
                self.day(of: since, &calendar) == date
            else { return false }
            return try isUnheld.ask(id, day: date)
        }
    }

    /// The rowids of the messages of these conversations.
    static func messages(_ db: Database, of conversations: ArraySlice<Int64>) throws -> [Int64] {
        let statement = try db.cachedStatement(
            sql: """
                SELECT m.rowid
                FROM conversations c
                JOIN messages m ON m.conversation_id = c.id
                WHERE c.rowid = ?
                ORDER BY m.rowid
                """)
        return try conversations.flatMap { try Int64.fetchAll(statement, arguments: [$0]) }
    }

    /// Removes the rows of these lines that still are old and are not held, until the allowance is spent.
    ///
    /// - Returns: rows of the table that were removed, messages not counted, and how many lines were dealt with.
    /// - Throws: `DayPurge.Stale` for a row that may go and is not what its line says.
    func remove(
        _ db: Database, _ lines: ArraySlice<ArchiveQueue.Line>, of source: ArchiveSource, _ shape: ArchiveSource.Shape,
        on day: Day, _ allowance: Allowance
    ) throws -> (removed: Int, looked: Int) {
        let finder = try RowFinder(db, source, shape)
        let date = day.description
        var judged: (owner: ArchiveValue, isOld: Bool)?
        var removed = 0
        var looked = 0
        for line in lines {
            looked += 1
            guard let row = try finder.find(line) else { continue }
            let isOld: Bool
            if let owner = line.owner {
                // One look for all messages of a conversation, as they follow each other: nobody else writes within this transaction.
                if judged?.owner != owner { judged = (owner, try isOldConversation(db, owner)) }
                isOld = judged?.isOld ?? false
            } else {
                isOld = try isOldRow(db, row.id)
            }
            guard isOld else { continue }
            guard row.isSame else { throw DayPurge.Stale() }
            if source == .messages {
                try deleteMessage(db, row.id, day: date)
            } else {
                removed += try deleteRow(db, row.id, day: date)
            }
            if allowance.isSpent { break }
        }
        return (removed, looked)
    }

    private func isOldRow(_ db: Database, _ id: Int64) throws -> Bool {
        let row = try RawStatement(db, "SELECT \(columns) FROM \(table.rawValue) WHERE rowid = ?1")
        row.bind(id, at: 1)
        defer { row.reset() }
        guard try row.step(), case .old = try judge(db, row.handle) else { return false }
        return true
    }

    private func isOldConversation(_ db: Database, _ id: ArchiveValue) throws -> Bool {
        let row = try RawStatement(db, "SELECT \(columns) FROM conversations WHERE id IS ?1")
        try ArchiveLine.bind(id, to: row.handle, at: 1)
        defer { row.reset() }
        guard try row.step(), case .old = try judge(db, row.handle) else { return false }
        return true
    }

    private func deleteMessage(_ db: Database, _ rowID: Int64, day: String) throws {
        try db.cachedStatement(
            sql: """
                DELETE FROM messages
                WHERE rowid = ?1
                  AND \(RetentionHolds.none(on: .conversations, user: "messages.user_id", day: "?2", now: "?3"))
                  AND EXISTS (
                    SELECT 1
                    FROM conversations c
                    WHERE c.id = messages.conversation_id
                      AND \(RetentionHolds.none(on: .conversations, user: "c.user_id", day: "?2", now: "?3"))
                  )
                """
        ).execute(arguments: [rowID, day, believed.milliseconds])
    }
}

/// Finds the row of a line again by its primary key: not by rowid, which VACUUM may change where it has no name.
private struct RowFinder {
    private let statement: RawStatement
    private let encoder: ArchiveLine

    init(_ db: Database, _ source: ArchiveSource, _ shape: ArchiveSource.Shape) throws {
        // IS, since a key of text may be NULL in SQLite.
        let key = shape.key.enumerated().map { "\(ArchiveSource.quoted(shape.columns[$1])) IS ?\($0 + 1)" }
        statement = try RawStatement(
            db, "SELECT rowid, \(shape.list) FROM \(source.table) WHERE \(key.joined(separator: " AND "))")
        encoder = ArchiveLine(columns: shape.columns)
    }

    /// The row, and whether it is what its line says. Of several, as keys that are NULL allow, one that is; nil when there is none.
    func find(_ line: ArchiveQueue.Line) throws -> (id: Int64, isSame: Bool)? {
        defer { statement.reset() }
        for (index, value) in line.key.enumerated() {
            try ArchiveLine.bind(value, to: statement.handle, at: Int32(index + 1))
        }
        var first: Int64?
        var bytes: ContiguousArray<UInt8> = []
        while try statement.step() {
            let id = sqlite3_column_int64(statement.handle, 0)
            bytes.removeAll(keepingCapacity: true)
            try encoder.append(statement.handle, from: 1, to: &bytes)
            if bytes == line.bytes { return (id, true) }
            first = first ?? id
        }
        return first.map { ($0, false) }
    }
}
