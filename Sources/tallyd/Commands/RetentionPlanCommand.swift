import ArgumentParser
import Daemon
import Scheduling
import Storage

/// `tallyd retention plan`.
struct RetentionPlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Say what a run would remove now, and why not the rest. Writes nothing.")

    @OptionGroup var options: DatabaseOptions
    @Flag(help: .jsonHelp) var json = false
    @Flag(help: "List every day of usage_logs, and not only those that a run would deal with.") var days = false

    func run() async throws {
        let database = try await UsageDatabase.open(options)
        let planner = RetentionPlanner(
            store: database.store, zone: database.zone, policies: database.settings.retention.policies)
        let plan = try await planner.plan(now: WallClock.now())
        let speed = try await Self.rowsPerSecond(database.store)
        print(json ? try Self.json(plan, speed).text() : Self.text(plan, speed, everyDay: days))
    }

    /// Of the latest run that removed enough to tell; nil when there is none.
    static func rowsPerSecond(_ store: Store) async throws -> Double? {
        let runs = try await JobLedger(store: store).latest(100, of: RetentionJob.name)
        for run in runs where run.rows >= 1_000 {
            if let finished = run.finishedAt {
                let seconds = Double(max(1, finished.milliseconds - run.startedAt.milliseconds)) / 1_000
                return Double(run.rows) / seconds
            }
        }
        return nil
    }

    static func text(_ plan: RetentionPlan, _ speed: Double?, everyDay: Bool) -> String {
        var table = TextTable([
            .left("table"), .right("kept"), .right("rows"), .right("would go"), .right("share"), .right("bytes"),
            .left("oldest"), .left("newest"), .left(""),
        ])
        table.rows = plan.tables.map { part in
            [
                part.table.rawValue, "\(part.period)", Figures.count(part.rows), Figures.count(part.due.rows),
                part.due.rows > 0 ? Figures.percent(part.due.rows, of: part.rows) : "–",
                part.due.rows > 0 ? Figures.bytes(part.dueBytes) : "–", part.due.oldest?.description ?? "–",
                part.due.newest?.description ?? "–", "",
            ]
        }
        var lines = table.lines(trailing: plan.tables.map(reason))
        let dealtWith = plan.tables.flatMap(\.days).filter { day in
            if case .wait = day.step { everyDay } else { true }
        }
        if !dealtWith.isEmpty {
            var days = TextTable([.left("days"), .right("rows"), .left("state"), .left("a run would")])
            days.rows = spans(dealtWith).map { span in
                let last = span.count > 1 ? " to \(span.last)" : ""
                return ["\(span.first)\(last)", Figures.count(span.rows), span.state, span.words]
            }
            lines += [""] + days.lines()
        }
        lines += ["", summary(plan, speed)]
        return lines.joined(separator: "\n")
    }

    private static func summary(_ plan: RetentionPlan, _ speed: Double?) -> String {
        guard plan.rowsToRemove > 0 || plan.daysToSeal > 0 else { return "a run would find nothing to do" }
        let time =
            speed.map { speed in
                let seconds = Int64((Double(plan.rowsToRemove) / speed).rounded(.up))
                return ", in about \(DurationText.format(.seconds(max(1, seconds)))) at the last run's speed"
            } ?? ""
        return "a run would seal \(Figures.count(plan.daysToSeal, "day")) and remove "
            + "\(Figures.count(plan.rowsToRemove, "row"))\(plan.rowsToRemove > 0 ? time : "")"
    }

    /// Days on end of which the same is to be said.
    private struct Span {
        let first: Day
        var last: Day
        var rows: Int64
        let state: String
        let words: String
        var count: Int { Int(last.number - first.number) + 1 }
    }

    private static func spans(_ days: [RetentionPlan.DayPlan]) -> [Span] {
        days.reduce(into: []) { spans, day in
            let words = words(day)
            if let last = spans.last, last.last.number + 1 == day.day.number, last.state == day.state,
                last.words == words
            {
                spans[spans.count - 1].last = day.day
                spans[spans.count - 1].rows += day.rows
            } else {
                spans.append(Span(first: day.day, last: day.day, rows: day.rows, state: day.state, words: words))
            }
        }
    }

    private static func words(_ day: RetentionPlan.DayPlan) -> String {
        switch day.step {
        case .purge: "remove"
        case .seal: day.isDue ? "seal, and remove" : "seal"
        case .wait(let reason): "wait: \(reason)"
        }
    }

    /// Why not more, in one sentence; empty where there is nothing to say.
    static func reason(_ part: RetentionPlan.TablePlan) -> String {
        var reasons: [String] = []
        if let stop = part.stop { reasons.append("waits: \(stop.sentence)") }
        if part.period == .off { reasons.append("its policy is off") }
        if part.held > 0 { reasons.append("\(Figures.count(part.held)) held") }
        if part.unreadable > 0 { reasons.append("\(Figures.count(part.unreadable)) whose age can't be read stay") }
        return reasons.joined(separator: "; ")
    }

    static func json(_ plan: RetentionPlan, _ speed: Double?) -> JSONValue {
        .object([
            "rows_to_remove": JSONValue(plan.rowsToRemove), "days_to_seal": JSONValue(plan.daysToSeal),
            "rows_per_second": JSONValue(speed),
            "tables": .array(
                plan.tables.map { part in
                    .object([
                        "table": .string(part.table.rawValue), "period": .string("\(part.period)"),
                        "age_counts_from": .string(part.table.ageCountsFrom),
                        "horizon": JSONValue(part.horizon), "rows": JSONValue(part.rows),
                        "due_rows": JSONValue(part.due.rows), "due_bytes": JSONValue(part.dueBytes),
                        "oldest": JSONValue(part.due.oldest), "newest": JSONValue(part.due.newest),
                        "held": JSONValue(part.held), "unreadable": JSONValue(part.unreadable),
                        "waits_because": JSONValue(part.stop?.sentence),
                        "days": .array(
                            part.days.map { day in
                                let wait: String? = if case .wait(let reason) = day.step { reason } else { nil }
                                return .object([
                                    "day": JSONValue(day.day), "rows": JSONValue(day.rows), "state": .string(day.state),
                                    "step": .string(name(day.step)), "waits_because": JSONValue(wait),
                                ])
                            }),
                    ])
                }),
        ])
    }

    private static func name(_ step: RetentionPlan.DayPlan.Step) -> String {
        switch step {
        case .purge: "purge"
        case .seal: "seal"
        case .wait: "wait"
        }
    }
}
