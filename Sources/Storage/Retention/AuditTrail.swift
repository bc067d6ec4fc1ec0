import Foundation
import GRDB
import Scheduling

/// What tallyd does to data, in the contract's audit_logs, under the user 'tallyd'. Written in the transaction of what it tells of.
enum AuditTrail {
    /// An action of ours. Failures have "error" in it, so that the contract's query for errors finds them.
    static func note(
        _ action: String, on table: String, id: String?, facts: [String: String], now: Instant, _ db: Database
    ) throws {
        try db.execute(
            sql: """
                INSERT INTO audit_logs (id, user_id, action, resource_type, resource_id, metadata, created_at)
                VALUES ('tallyd-' || lower(hex(randomblob(16))), 'tallyd', ?, ?, ?, ?, ?)
                """,
            arguments: [action, table, id, try json(facts), now.description])
    }

    /// One line for all bites of a run's purge: the rows are added up. What no event has told of yet stands in it as well, see `PurgeEvents`.
    ///
    /// - Parameter run: tells runs apart; the line's id is made of it, the table and the day.
    static func notePurge(
        of table: RetentionTable, day: String?, rows: Int, run: String, now: Instant, _ db: Database
    ) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO audit_logs (id, user_id, action, resource_type, resource_id, metadata, created_at)
                VALUES (?1, 'tallyd', 'retention.purged', ?2, ?3, json_object('rows', ?4, 'untold', ?4), ?5)
                ON CONFLICT (id) DO UPDATE
                SET metadata = json_set(
                      metadata,
                      '$.rows', json_extract(metadata, '$.rows') + ?4,
                      '$.untold', COALESCE(json_extract(metadata, '$.untold'), 0) + ?4)
                """
        ).execute(
            arguments: [
                "\(purgePrefix)\(run)\(purgeSuffix(table.rawValue, day))", table.rawValue, day, rows, now.description,
            ])
    }

    /// The ids of such lines lie between it and its successor.
    static let purgePrefix = "tallyd-purge-"

    static func purgeSuffix(_ table: String, _ day: String?) -> String { "-\(table)-\(day ?? "all")" }

    private static func json(_ facts: [String: String]) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(facts), as: UTF8.self)
    }
}
