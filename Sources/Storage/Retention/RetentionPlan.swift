import GRDB
import GRDBSQLite
package import Scheduling

/// What a retention run would do now, and what keeps it from doing more: found by reading alone.
package struct RetentionPlan: Sendable, Equatable {
    package let tables: [TablePlan]

    /// What a run would remove; a table that waits for an approval has nothing of that.
    package var rowsToRemove: Int64 { tables.filter { $0.stop == nil }.reduce(0) { $0 + $1.due.rows } }
    package var daysToSeal: Int {
        tables.reduce(0) { sum, table in sum + table.days.filter { $0.step == .seal }.count }
    }

    package struct TablePlan: Sendable, Equatable {
        package let table: RetentionTable
        package let period: RetentionPeriod
        /// Rows that are old enough lie before it; nil where nothing gets old.
        package var horizon: Instant?
        /// The time that the horizon was taken from: the clock's, or a day after the newest row where that is earlier.
        package var believed: Instant?
        package var rows: Int64 = 0
        /// Old enough, and neither held nor set aside, as far as can be told without deleting them.
        package var due = Range()
        /// Old enough, and kept by a hold.
        package var held: Int64 = 0
        /// Rows whose age can't be read: they stay.
        package var unreadable: Int64 = 0
        /// Days of usage_logs, oldest first; empty for other tables.
        package var days: [DayPlan] = []
        /// Why a run leaves all of it; nil when it does not.
        package var stop: Stop?
        /// What the table takes on disk for `due`, in bytes: its own rows' lengths, without indexes.
        package var dueBytes: Int64 = 0

        package init(table: RetentionTable, period: RetentionPeriod) {
            self.table = table
            self.period = period
        }

        /// The share of the table that would go, 0 to 1.
        package var share: Double { rows == 0 ? 0 : Double(due.rows) / Double(rows) }
    }

    /// Rows, and the times of the oldest and the newest.
    package struct Range: Sendable, Equatable {
        package var rows: Int64 = 0
        package var oldest: Instant?
        package var newest: Instant?

        mutating func add(_ instant: Instant, rows added: Int64 = 1) {
            rows += added
            oldest = oldest.map { min($0, instant) } ?? instant
            newest = newest.map { max($0, instant) } ?? instant
        }
    }

    package struct DayPlan: Sendable, Equatable {
        package let day: Day
        package let rows: Int64
        package let state: String
        package internal(set) var step: Step
        /// Whether it is old enough, so that a day that is sealed goes with the same run.
        package let isDue: Bool

        package enum Step: Sendable, Equatable {
            /// Its rows go, for everybody or for those whose terms say so.
            case purge
            /// It is over, and not sealed yet.
            case seal
            case wait(String)
        }
    }

    package enum Stop: Sendable, Equatable {
        /// A larger share of the table than is usual, in percent.
        case share(percent: Int, limit: Int)
        /// The period was longer at the last run.
        case shorterPeriod(from: RetentionPeriod)

        package var sentence: String {
            switch self {
            case .share(let percent, let limit):
                "it would remove \(percent) % of the table, and more than \(limit) % asks for an approval"
            case .shorterPeriod(let before):
                "its period became shorter, from \(before), which asks for an approval"
            }
        }
    }
}

/// Reads the plan.
package struct RetentionPlanner: Sendable {
    let store: Store
    let zone: Zone
    let policies: RetentionPolicies
    /// Called after every part that was read: a large table takes longer than a watchdog waits.
    let progress: @Sendable () -> Void

    package init(
        store: Store, zone: Zone, policies: RetentionPolicies, progress: @escaping @Sendable () -> Void = {}
    ) {
        self.progress = progress
        self.store = store
        self.zone = zone
        self.policies = policies
    }

    package func plan(now: Instant) async throws -> RetentionPlan {
        var tables: [RetentionPlan.TablePlan] = []
        for table in RetentionTable.allCases { tables.append(try await plan(table, now: now)) }
        return RetentionPlan(tables: tables)
    }

    func plan(_ table: RetentionTable, now: Instant) async throws -> RetentionPlan.TablePlan {
        var plan = RetentionPlan.TablePlan(table: table, period: policies.period(of: table))
        guard plan.period != .off else { return plan }
        let newest = try await store.read("find the newest row of") { db in try table.newestRow(db) }
        plan.believed = Instant.believed(now: now, newestRow: newest)
        if case .limited(let period) = plan.period { plan.horizon = plan.believed?.before(by: period) }
        let overrides = try await RetentionOverrides(store: store).of(table)
        if table == .usageLogs {
            try await readDays(&plan, overrides)
        } else if let believed = plan.believed {
            let scan = RetentionScan(table: table, period: plan.period, overrides: overrides, believed: believed)
            try await readRows(&plan, scan)
        }
        let state = try await RetentionState.read(store)[table]
        plan.stop = stop(plan, state, now: now)
        plan.dueBytes = try await bytes(of: plan)
        return plan
    }

    private func stop(_ plan: RetentionPlan.TablePlan, _ state: RetentionState?, now: Instant) -> RetentionPlan.Stop? {
        guard plan.due.rows > 0 else { return nil }
        if let state, state.isApproved(plan.period, now: now) { return nil }
        if let state, state.ranAt.milliseconds > 0, let period = plan.period.milliseconds,
            state.periodMilliseconds ?? .max > period
        {
            let before = state.periodMilliseconds.map { RetentionPeriod.limited(.milliseconds($0)) } ?? .forever
            return .shorterPeriod(from: before)
        }
        if plan.share > policies.largestShare, !plan.table.expiresByItself {
            return .share(
                percent: Int((plan.share * 100).rounded()), limit: Int((policies.largestShare * 100).rounded()))
        }
        return nil
    }

    // MARK: Rows by their own time

    private func readRows(_ plan: inout RetentionPlan.TablePlan, _ scan: RetentionScan) async throws {
        var after: Int64 = .min
        while true {
            let position = after
            let zone = zone
            let part = try await store.readOneOfMany("find old rows of") { db in
                try scan.read(db, after: position, zone: zone)
            }
            progress()
            plan.rows += part.rows
            plan.held += part.held
            plan.unreadable += part.unreadable
            for due in part.due { plan.due.add(due.since) }
            guard let last = part.last else { return }
            after = last
        }
    }

    /// From the lengths of a few rows.
    private func bytes(of plan: RetentionPlan.TablePlan) async throws -> Int64 {
        guard plan.due.rows > 0 else { return 0 }
        let table = plan.table.rawValue
        let mean = try await store.read("measure rows of") { db in
            let columns = try db.columns(in: table).map { "COALESCE(length(CAST(\"\($0.name)\" AS BLOB)), 0)" }
            return try Double.fetchOne(
                db,
                sql:
                    "SELECT AVG(bytes) FROM (SELECT \(columns.joined(separator: " + ")) AS bytes FROM \(table) LIMIT 1000)"
            )
        }
        return Int64((mean ?? 0) * Double(plan.due.rows))
    }
}

extension Instant {
    func adding(_ duration: Duration) -> Instant {
        let (seconds, attoseconds) = duration.components
        return Instant(milliseconds: milliseconds + seconds * 1_000 + attoseconds / 1_000_000_000_000_000)
    }
}
