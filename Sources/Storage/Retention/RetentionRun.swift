import GRDB
package import Scheduling

/// One retention run: seals the days that are over, removes what the plan shows, table by table, in bites, and gives back pages that became free,
/// where the file can.
///
/// Whatever a bite finds is judged again in the transaction that deletes it. A run may be cut anywhere; the next one goes on from what is
/// there then.
package struct RetentionRun: Sendable {
    let store: Store
    let zone: Zone
    let term: Term?
    let policies: RetentionPolicies
    let files: ArchiveFiles
    let handover: ArchiveHandover?

    /// - Parameter handover: who takes archives on; nil: they stay in their folder.
    package init(
        store: Store, zone: Zone, term: Term?, policies: RetentionPolicies, files: ArchiveFiles = .system,
        handover: ArchiveHandover? = nil
    ) {
        self.files = files
        self.handover = handover
        self.store = store
        self.zone = zone
        self.term = term
        self.policies = policies
    }

    package struct Outcome: Sendable, Equatable {
        package var tables: [TableOutcome] = []
        package var daysSealed: [Day] = []
        package var daysPurged: [Day] = []
        /// By how much the database has become smaller; see `FreedPages`.
        package var bytesGivenBack: Int64 = 0
        /// What went wrong with that.
        package var givingBackFailure: String?
        /// False when it was asked to stop, or something has to be settled first.
        package var isComplete = true

        package var removed: Int { tables.reduce(0) { $0 + $1.removed } }
    }

    package struct TableOutcome: Sendable, Equatable {
        package let table: RetentionTable
        package var removed = 0
        package var kept = 0
        /// Why it did nothing, or what still waits; empty where all was done.
        package var note = ""
        package var isWaiting = false
        /// Whether the run has gone by the present period: not when it waits, failed, or had nothing to hold the clock against.
        var wentByPeriod = false
        package var failure: String?
    }

    /// - Parameters:
    ///   - run: tells this run from others in the audit log.
    ///   - progress: called after every bite.
    /// - Throws: `StorageError` of kind `leaseLost`. What one table's work throws otherwise is in its outcome, and the others go on.
    package func run(
        run: String, now: Instant, shouldStop: @escaping @Sendable () -> Bool, progress: @escaping @Sendable () -> Void
    ) async throws -> Outcome {
        var outcome = Outcome()
        let events = PurgeEvents(store: store, term: term)
        // Of a run that ended with its process.
        try await events.tell(now: now)
        for table in RetentionTable.allCases where policies.period(of: table) != .off {
            if shouldStop() {
                outcome.isComplete = false
                break
            }
            var result = TableOutcome(table: table)
            do {
                try await work(on: table, run, now, shouldStop, progress, &result, &outcome)
            } catch let error as StorageError where error.kind == .leaseLost {
                throw error
            } catch {
                result.failure = "\(error)"
                result.note = "failed: \(error)"
                try? await note(error, on: table.rawValue, now)
            }
            if result.removed > 0 || result.failure != nil { try await events.tell(now: now) }
            try await record(result, now)
            outcome.tables.append(result)
        }
        if !shouldStop() { try await giveBack(now, shouldStop, progress, &outcome) }
        return outcome
    }

    private func work(
        on table: RetentionTable, _ run: String, _ now: Instant, _ shouldStop: @escaping @Sendable () -> Bool,
        _ progress: @escaping @Sendable () -> Void, _ result: inout TableOutcome, _ outcome: inout Outcome
    ) async throws {
        let planner = RetentionPlanner(store: store, zone: zone, policies: policies, progress: progress)
        let plan = try await planner.plan(table, now: now)
        progress()
        // Where rows may go, days are sealed beside that.
        if table == .usageLogs, plan.believed == nil || plan.stop != nil {
            let seals = try await sealAll(Seals(plan), now) {
                progress()
                return shouldStop()
            }
            note(seals, &result, &outcome)
        }
        guard let believed = plan.believed else {
            result.note = "it has no row"
            return
        }
        if let stop = plan.stop {
            result.note = "\(stop.sentence): tallyd retention plan, then tallyd retention approve \(table.rawValue)"
            result.isWaiting = true
            return
        }
        result.wentByPeriod = true
        try await store.writer.keepingLogSmall {
            if table == .usageLogs {
                try await purgeDays(plan, believed, planner, run, now, shouldStop, progress, &result, &outcome)
            } else {
                try await purgeRows(plan, believed, run, shouldStop, progress, &result, &outcome)
            }
        }
        if result.removed == 0, result.note.isEmpty { result.note = Self.idleNote(plan) }
    }

    private static func idleNote(_ plan: RetentionPlan.TablePlan) -> String {
        if plan.rows == 0 { return "it has no row" }
        if plan.held > 0 { return "a hold keeps all that is old enough" }
        guard let horizon = plan.horizon else { return "its rows are kept for ever" }
        return "no row is older than \(horizon)"
    }

    // MARK: Recording

    private func record(_ result: TableOutcome, _ now: Instant) async throws {
        let term = term
        let period = policies.period(of: result.table).milliseconds
        try await store.writer.write("record retention in") { db, _ in
            try term?.check(db)
            // What has not gone by the new period leaves the one before on record, else the next run would not ask; and so does an approval that
            // is not used up.
            try db.execute(
                sql: """
                    INSERT INTO retention_state (table_name, period_ms, ran_at_ms, removed, note, is_waiting)
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                    ON CONFLICT (table_name) DO UPDATE
                    SET period_ms = CASE WHEN NOT ?8 AND ran_at_ms > 0 THEN period_ms ELSE ?2 END,
                        ran_at_ms = ?3, removed = ?4, note = ?5, is_waiting = ?6,
                        approved_at_ms = CASE WHEN ?4 > 0 AND ?7 THEN NULL ELSE approved_at_ms END
                    """,
                arguments: [
                    result.table.rawValue, period, now.milliseconds, result.removed, result.note, result.isWaiting,
                    result.failure == nil && result.note.isEmpty, result.wentByPeriod && result.failure == nil,
                ])
        }
    }

    func note(_ error: any Error, on resource: String, _ now: Instant) async throws {
        let term = term
        try await store.writer.write("record a failure in") { db, _ in
            try term?.check(db)
            try AuditTrail.note(
                "retention.error", on: resource, id: nil, facts: ["error": "\(error)"], now: now, db)
        }
    }
}

extension DaySealing.Refusal {
    /// What keeps the day open, and what ends that.
    package var sentence: String {
        switch self {
        case .rowsNotCounted: "rows of it are not counted yet; the rollup will"
        case .correctionsWaiting: "corrections are not counted yet; the rollup will"
        case .marked: "it is to be derived anew; the rollup will"
        case .alreadyClosed: "it is no longer open"
        case .drift(let keys):
            "\(keys) of its totals differ from its raw rows; `tallyd rollup verify` names them and `tallyd rollup rebuild` mends them"
        case .changedMeanwhile: "a row was corrected while it was looked at; the next run tries again"
        }
    }
}
