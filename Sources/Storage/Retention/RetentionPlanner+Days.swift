import GRDB
import Scheduling

/// The plan of usage_logs, whose rows go by whole days.
extension RetentionPlanner {
    /// Usage rows are counted by day in the index on created_at, without being read themselves; those of users with terms of their own are looked up.
    func readDays(_ plan: inout RetentionPlan.TablePlan, _ overrides: [Verbatim: RetentionPeriod]) async throws {
        let counts = try await UsageDays.rowsByDay(store, zone: zone, progress: progress)
        plan.rows = counts.values.reduce(0, +)
        plan.unreadable = try await store.read("count rows set aside in") { db in
            try Int64.fetchOne(db, sql: "SELECT COUNT(*) FROM usage_rejects") ?? 0
        }
        guard let believed = plan.believed else { return }
        var own: [Verbatim: [Day: Int64]] = [:]
        for user in overrides.keys {
            own[user] = try await UsageDays.rowsByDay(store, zone: zone, user: user.text, progress: progress)
        }
        let states = try await store.read("read the days of") { db in try UsageDays.closed(db) }
        let holds = try await RetentionHolds(store: store).list().filter { $0.scope.table ?? .usageLogs == .usageLogs }
        var calendar = DayCalendar(zone: zone)
        for (day, rows) in counts.sorted(by: { $0.key < $1.key }) {
            let bounds = calendar.bounds(of: day)
            let end = bounds.upperBound
            let state = states[day] ?? "open"
            let terms = terms(of: end, plan.period, overrides, believed)
            var due = DayCounts(rows: rows, own: own.compactMapValues { $0[day] }).due(terms)
            var step = step(state, end, isDue: due > 0, plan.horizon, believed)
            if due > 0, state != "adopted" {
                if !holds.isEmpty {
                    let held = try await countHeld(day, terms)
                    plan.held += held
                    due -= min(due, held)
                    if due == 0, step == .purge { step = .wait("a hold keeps its rows") }
                }
                plan.due.add(bounds.lowerBound, rows: due)
                plan.due.add(Instant(milliseconds: end.milliseconds - 1), rows: 0)
            }
            plan.days.append(
                RetentionPlan.DayPlan(day: day, rows: rows, state: state, step: step, isDue: terms.letAnyGo))
        }
    }

    /// Whose rows of a day that ends then may go.
    func terms(
        of end: Instant, _ period: RetentionPeriod, _ overrides: [Verbatim: RetentionPeriod], _ believed: Instant,
        run: String = ""
    ) -> DayPurge.Terms {
        DayPurge.Terms(
            othersMayGo: mayGo(end: end, period, believed),
            users: overrides.mapValues { mayGo(end: end, $0, believed) }, now: believed, run: run)
    }

    private func mayGo(end: Instant, _ period: RetentionPeriod, _ believed: Instant) -> Bool {
        if case .limited(let period) = period { end <= believed.before(by: period) } else { false }
    }

    private func step(
        _ state: String, _ end: Instant, isDue: Bool, _ horizon: Instant?, _ believed: Instant
    ) -> RetentionPlan.DayPlan.Step {
        switch state {
        case "adopted": .wait("1.0.0 counted it, so its rows can't be proved against its totals; they stay")
        case "open" where end <= believed.before(by: policies.settle): .seal
        case "open": .wait("it is over by its settle time on \(end.adding(policies.settle))")
        case _ where isDue: .purge
        case _ where horizon == nil: .wait("its rows are kept for ever")
        default: .wait("its rows are not old enough")
        }
    }

    /// Rows of the day that may go and that a hold keeps. Counted row by row, where there are holds at all.
    private func countHeld(_ day: Day, _ terms: DayPurge.Terms) async throws -> Int64 {
        let zone = zone
        let held = try await store.readOneOfMany("count held rows of") { db in
            try DayPurge.countHeld(db, day, zone, terms)
        }
        progress()
        return held
    }
}

/// The counted rows of one day.
struct DayCounts {
    let rows: Int64
    /// Those of users with terms of their own.
    let own: [Verbatim: Int64]

    /// Those that may go.
    func due(_ terms: DayPurge.Terms) -> Int64 {
        let others = terms.othersMayGo ? rows - own.values.reduce(0, +) : 0
        return own.reduce(max(others, 0)) { sum, user in terms.users[user.key] == true ? sum + user.value : sum }
    }
}
