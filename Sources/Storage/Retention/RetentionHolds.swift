import GRDB
package import Scheduling

/// Holds: rows that must stay, whatever their age, until somebody releases them. Every statement that deletes asks for them itself.
package struct RetentionHolds: Sendable {
    let store: Store

    package init(store: Store) {
        self.store = store
    }

    /// What is held: all rows that match. Nil means any.
    package struct Scope: Sendable, Equatable {
        package var user: String?
        package var table: RetentionTable?
        package var from: Day?
        package var through: Day?

        package init(user: String? = nil, table: RetentionTable? = nil, from: Day? = nil, through: Day? = nil) {
            self.user = user
            self.table = table
            self.from = from
            self.through = through
        }

        /// As a person says it: "user u1 in usage_logs, 2026-01-01 to 2026-02-01".
        package var words: String {
            let who = user.map { "user \($0)" } ?? "everybody"
            let place = table.map { " in \($0.rawValue)" } ?? ""
            let days =
                switch (from, through) {
                case (nil, nil): ""
                case (let from?, nil): ", from \(from) on"
                case (nil, let through?): ", through \(through)"
                case (let from?, let through?): ", \(from) to \(through)"
                }
            return who + place + days
        }
    }

    package struct Hold: Sendable, Equatable {
        package let id: Int64
        package let scope: Scope
        package let reason: String
        package let createdAt: Instant
        package let endsAt: Instant?
        package let releasedAt: Instant?
    }

    /// Holds from now on. The reason stands in the audit log.
    package func add(_ scope: Scope, reason: String, endsAt: Instant?, now: Instant) async throws -> Hold {
        try await store.writer.write("hold rows of") { db, _ in
            try db.execute(
                sql: """
                    INSERT INTO retention_holds (user_id, table_name, from_date, through_date, reason, created_at_ms, ends_at_ms)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    scope.user, scope.table?.rawValue, scope.from?.description, scope.through?.description, reason,
                    now.milliseconds, endsAt?.milliseconds,
                ])
            let id = db.lastInsertedRowID
            try AuditTrail.note(
                "retention.hold_added", on: "retention_holds", id: "\(id)",
                facts: ["scope": scope.words, "reason": reason], now: now, db)
            return Hold(id: id, scope: scope, reason: reason, createdAt: now, endsAt: endsAt, releasedAt: nil)
        }
    }

    /// Nil when there is no such hold, or it was released before.
    package func release(_ id: Int64, now: Instant) async throws -> Hold? {
        try await store.writer.write("release a hold in") { db, _ in
            try db.execute(
                sql: "UPDATE retention_holds SET released_at_ms = ? WHERE id = ? AND released_at_ms IS NULL",
                arguments: [now.milliseconds, id])
            guard db.changesCount > 0 else { return nil }
            let hold = try Self.fetch(db, "WHERE id = \(id)").first
            try AuditTrail.note(
                "retention.hold_released", on: "retention_holds", id: "\(id)",
                facts: ["scope": hold?.scope.words ?? "", "reason": hold?.reason ?? ""], now: now, db)
            return hold
        }
    }

    /// Oldest first.
    package func list(includingReleased: Bool = false) async throws -> [Hold] {
        try await store.read("read the holds of") { db in
            try Self.fetch(db, includingReleased ? "" : "WHERE released_at_ms IS NULL")
        }
    }

    static func fetch(
        _ db: Database, _ condition: String, _ arguments: StatementArguments = []
    ) throws -> [Hold] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT id, user_id, table_name, from_date, through_date, reason, created_at_ms, ends_at_ms, released_at_ms
                FROM retention_holds \(condition)
                ORDER BY id
                """,
            arguments: arguments
        ).map { row in
            Hold(
                id: row[0],
                scope: Scope(
                    user: row[1], table: (row[2] as String?).flatMap(RetentionTable.init(rawValue:)),
                    from: (row[3] as String?).flatMap { Day($0) }, through: (row[4] as String?).flatMap { Day($0) }),
                reason: row[5], createdAt: Instant(milliseconds: row[6]),
                endsAt: (row[7] as Int64?).map(Instant.init(milliseconds:)),
                releasedAt: (row[8] as Int64?).map(Instant.init(milliseconds:)))
        }
    }

    /// True while there is no hold of anything, ended ones aside that nobody has released.
    static let nobodyHolds = "NOT EXISTS (SELECT 1 FROM retention_holds WHERE released_at_ms IS NULL)"

    /// Whether there is any, in the transaction's own view.
    static func areAny(_ db: Database) throws -> Bool {
        try Bool.fetchOne(db.cachedStatement(sql: "SELECT NOT \(nobodyHolds)")) ?? true
    }

    /// True of a row that no hold keeps: what every DELETE has among its conditions, or `nobodyHolds`.
    ///
    /// An unknown table's name in a hold keeps nothing, and an end counts by the time that is bound: one that is believed, so that a clock set
    /// forward ends no hold.
    ///
    /// - Parameters:
    ///   - user: the SQL that gives the row's user; nil for rows of nobody in particular, which holds of one user pass by.
    ///   - day: the SQL that gives the row's day as `YYYY-MM-DD`.
    ///   - now: the SQL that gives the time in milliseconds.
    static func none(on table: RetentionTable, user: String?, day: String, now: String) -> String {
        """
        NOT EXISTS (
          SELECT 1
          FROM retention_holds held
          WHERE held.released_at_ms IS NULL
            AND (held.ends_at_ms IS NULL OR held.ends_at_ms > \(now))
            AND (held.table_name IS NULL OR held.table_name = '\(table.rawValue)')
            AND (held.user_id IS NULL OR held.user_id = \(user ?? "NULL"))
            AND (held.from_date IS NULL OR held.from_date <= \(day))
            AND (held.through_date IS NULL OR held.through_date >= \(day))
        )
        """
    }
}
