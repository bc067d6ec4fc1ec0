import GRDB
import Scheduling

/// Tells of what was purged: one event a run, table and day, once its figure is final.
///
/// A purge is many transactions, and which one is the last is known only afterwards: a run may be stopped between any two, fail, or end with its process.
/// So each bite adds to the run's line in audit_logs how many rows have not been told of, in the transaction that removes them; and when the run is done
/// with the table, however it ended, one transaction inserts the event and takes that mark away. What a run has left that did not get so far the next
/// run tells of before all else. So the events' rows add up to the audit lines', through crashes too, and an event is not sent twice; only a run that is
/// tried again after it had ended tells of the same day again, with the rows that it has removed since.
struct PurgeEvents: Sendable {
    let store: Store
    let term: Term?

    private struct Line: Sendable {
        let id: String
        let table: String
        let day: String?
        let rows: Int

        var run: String {
            String(
                id.dropFirst(AuditTrail.purgePrefix.count).dropLast(AuditTrail.purgeSuffix(table, day).count))
        }
    }

    /// Lines without the mark, such as those of earlier versions, are told already. The sign between the prefix and the run is a hyphen; a full stop
    /// comes after it.
    private static let untold = """
        SELECT id, resource_type, resource_id, json_extract(metadata, '$.untold')
        FROM audit_logs
        WHERE id >= 'tallyd-purge-' AND id < 'tallyd-purge.'
          AND user_id = 'tallyd'
          AND json_valid(metadata)
          AND json_extract(metadata, '$.untold') > 0
        ORDER BY id
        """

    /// Tells of every line that has not been told of. Writes only if there is one.
    func tell(now: Instant) async throws {
        var rest = try await store.read("look for purges in") { db in
            try Row.fetchAll(db, sql: Self.untold).map {
                Line(id: $0[0], table: $0[1], day: $0[2], rows: $0[3])
            }
        }[...]
        while !rest.isEmpty {
            let lines = rest
            let told = try await store.writer.write("tell of purges in") { [term] db, allowance in
                try term?.check(db)
                var told = 0
                for line in lines {
                    try OwnEvent.purged(table: line.table, day: line.day, rows: line.rows, run: line.run)
                        .insert(db, now: now)
                    try db.execute(
                        sql: "UPDATE audit_logs SET metadata = json_remove(metadata, '$.untold') WHERE id = ?",
                        arguments: [line.id])
                    told += 1
                    if allowance.isSpent { break }
                }
                return told
            }
            rest = rest.dropFirst(told)
        }
    }
}
