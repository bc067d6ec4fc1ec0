import GRDB
package import Scheduling

/// What the last retention run found for a table, and what was approved.
package struct RetentionState: Sendable, Equatable {
    /// The period that the last run went by; nil: for ever.
    package let periodMilliseconds: Int64?
    /// The beginning of 1970 before the first run.
    package let ranAt: Instant
    package let removed: Int64
    /// Why it did nothing, or what still waits.
    package let note: String
    package let isWaiting: Bool
    package let approvedAt: Instant?
    package let approvedPeriodMilliseconds: Int64?

    /// An approval holds for so long: it was given for what the plan showed then.
    package static let approvalHolds = Duration.seconds(7 * 86_400)

    func isApproved(_ period: RetentionPeriod, now: Instant) -> Bool {
        guard let approvedAt, approvedPeriodMilliseconds == period.milliseconds else { return false }
        return now < approvedAt.adding(Self.approvalHolds) && now >= approvedAt.before(by: .seconds(86_400))
    }

    package static func read(_ store: Store) async throws -> [RetentionTable: RetentionState] {
        try await store.read("read the state of retention in") { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT table_name, period_ms, ran_at_ms, removed, note, is_waiting, approved_at_ms, approved_period_ms
                    FROM retention_state
                    """)
            return rows.reduce(into: [:]) { states, row in
                guard let table = RetentionTable(rawValue: row[0]) else { return }
                states[table] = RetentionState(
                    periodMilliseconds: row[1], ranAt: Instant(milliseconds: row[2]), removed: row[3], note: row[4],
                    isWaiting: row[5], approvedAt: (row[6] as Int64?).map(Instant.init(milliseconds:)),
                    approvedPeriodMilliseconds: row[7])
            }
        }
    }

    /// Approves what the plan shows for a table now, for a week, under its present period.
    package static func approve(
        _ store: Store, _ table: RetentionTable, _ period: RetentionPeriod, now: Instant
    ) async throws {
        try await store.writer.write("approve retention in") { db, _ in
            try db.execute(
                sql: """
                    INSERT INTO retention_state (table_name, ran_at_ms, approved_at_ms, approved_period_ms)
                    VALUES (?1, 0, ?2, ?3)
                    ON CONFLICT (table_name) DO UPDATE
                    SET approved_at_ms = ?2, approved_period_ms = ?3, is_waiting = 0
                    """,
                arguments: [table.rawValue, now.milliseconds, period.milliseconds])
            try AuditTrail.note(
                "retention.approved", on: table.rawValue, id: nil, facts: ["period": "\(period)"], now: now, db)
        }
    }
}

/// Other terms for single users.
package struct RetentionOverrides: Sendable {
    let store: Store

    package init(store: Store) {
        self.store = store
    }

    /// By user. A table with another name than ours has none.
    package func of(_ table: RetentionTable) async throws -> [Verbatim: RetentionPeriod] {
        try await store.read("read the overrides of") { db in try Self.read(db, table) }
    }

    static func read(_ db: Database, _ table: RetentionTable) throws -> [Verbatim: RetentionPeriod] {
        let rows = try Row.fetchAll(
            db.cachedStatement(sql: "SELECT user_id, period_ms FROM retention_overrides WHERE table_name = ?"),
            arguments: [table.rawValue])
        return rows.reduce(into: [:]) { overrides, row in
            let period = row[1] as Int64?
            overrides[Verbatim(row[0])] = period.map { .limited(.milliseconds($0)) } ?? .forever
        }
    }

    package struct Override: Sendable, Equatable {
        package let user: String
        package let table: String
        package let period: RetentionPeriod
    }

    package func list() async throws -> [Override] {
        try await store.read("read the overrides of") { db in
            try Row.fetchAll(
                db, sql: "SELECT user_id, table_name, period_ms FROM retention_overrides ORDER BY table_name, user_id"
            ).map { row in
                Override(
                    user: row[0], table: row[1],
                    period: (row[2] as Int64?).map { .limited(.milliseconds($0)) } ?? .forever)
            }
        }
    }

    /// - Parameter period: nil takes the user's own terms back.
    package func set(_ period: RetentionPeriod?, for user: String, in table: RetentionTable, now: Instant) async throws
    {
        try await store.writer.write("set an override in") { db, _ in
            if let period {
                try db.execute(
                    sql: """
                        INSERT INTO retention_overrides (user_id, table_name, period_ms)
                        VALUES (?1, ?2, ?3)
                        ON CONFLICT (table_name, user_id) DO UPDATE SET period_ms = ?3
                        """,
                    arguments: [user, table.rawValue, period.milliseconds])
            } else {
                try db.execute(
                    sql: "DELETE FROM retention_overrides WHERE user_id = ? AND table_name = ?",
                    arguments: [user, table.rawValue])
            }
            try AuditTrail.note(
                "retention.override_set", on: table.rawValue, id: nil,
                facts: ["user": user, "period": period.map { "\($0)" } ?? "as the policy says"], now: now, db)
        }
    }
}
