import GRDB
import GRDBSQLite
import Scheduling

/// Whether a hold keeps a row, asked of the table of holds as the deleting statement asks it.
struct HoldQuestion {
    private let statement: RawStatement?

    init(_ db: Database, _ table: RetentionTable, now: Instant) throws {
        // Without holds there is nothing to ask, for millions of rows.
        guard try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM retention_holds)") ?? true else {
            statement = nil
            return
        }
        let question = try RawStatement(
            db, "SELECT \(Self.unheld(table)) FROM \(table.rawValue) WHERE rowid = ?1")
        question.bind(now.milliseconds, at: 3)
        statement = question
    }

    private static func unheld(_ table: RetentionTable) -> String {
        func none(_ asked: RetentionTable, _ user: String?) -> String {
            RetentionHolds.none(on: asked, user: user, day: "?2", now: "?3")
        }
        switch table {
        case .conversations:
            // A message that stays keeps its conversation.
            return """
                \(none(table, "conversations.user_id"))
                AND NOT EXISTS (
                  SELECT 1
                  FROM messages m
                  WHERE m.conversation_id = conversations.id AND NOT (\(none(table, "m.user_id")))
                )
                """
        case .rejects:
            let user = "(SELECT u.user_id FROM usage_logs u WHERE u.id = usage_rejects.row_id)"
            return "\(none(.usageLogs, user)) AND \(none(table, user))"
        case .usageLogs, .auditLogs, .systemMetrics, .userSessions, .rateLimits, .jobRuns, .webhookAttempts,
            .webhookDeliveries, .webhookEvents:
            return none(table, table.user.map { "\(table.rawValue).\($0)" })
        }
    }

    func ask(_ rowID: Int64, day: String) throws -> Bool {
        guard let statement else { return true }
        statement.bind(rowID, at: 1)
        defer { statement.reset() }
        let date = ContiguousArray(day.utf8)
        return try date.withUnsafeBufferPointer { date in
            statement.bind(date, at: 2)
            return try statement.step() && sqlite3_column_int64(statement.handle, 0) != 0
        }
    }
}
