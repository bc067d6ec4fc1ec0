import ArgumentParser
import Daemon
import Scheduling
import Storage

/// `tallyd retention`: the group.
struct Retention: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what goes when, what waits and why, and approve what asks for it.",
        discussion: """
            Raw usage goes by whole days, each sealed first: all of it counted, and its totals equal to its rows. Everything else goes by \
            its own time. The job `retention` does it by its schedule; `tallyd jobs run retention` does it now.

            EXAMPLES
              tallyd retention plan                       what a run would do now, table by table
              tallyd retention status                     what the last run did, and what waits
              tallyd retention approve usage_logs         let a run remove more than the usual share
              tallyd retention override acme usage_logs 365d
            """,
        subcommands: [RetentionStatus.self, RetentionPlanCommand.self, RetentionApprove.self, RetentionOverride.self],
        defaultSubcommand: RetentionStatus.self)
}

/// A table with a policy, by its name.
struct TableName: ExpressibleByArgument {
    let table: RetentionTable

    init(_ table: RetentionTable) {
        self.table = table
    }

    var defaultValueDescription: String { table.rawValue }

    init?(argument: String) {
        guard let table = RetentionTable(rawValue: argument) else { return nil }
        self.table = table
    }

    static var allValueStrings: [String] { RetentionTable.allCases.map(\.rawValue) }
}

/// `tallyd retention status`.
struct RetentionStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show each policy, what its last run did, the states of days, and the free space.")

    @OptionGroup var options: DatabaseOptions
    @Flag(help: .jsonHelp) var json = false

    func run() async throws {
        let database = try await UsageDatabase.open(options)
        let states = try await RetentionState.read(database.store)
        let status = try await RollupStatus.read(database.store)
        let days = status.closedDays
        let holds = try await RetentionHolds(store: database.store).list()
        let overrides = try await RetentionOverrides(store: database.store).list()
        let policies = database.settings.retention.policies
        guard !json else {
            print(try Self.json(policies, states, status, holds.count, overrides).text())
            return
        }
        var table = TextTable([
            .left("table"), .right("kept"), .left("last run"), .right("removed"), .left("what there is to say"),
        ])
        table.rows = RetentionTable.allCases.map { name in
            let state = states[name].flatMap { $0.ranAt.milliseconds > 0 ? $0 : nil }
            return [
                name.rawValue, "\(policies.period(of: name))", state?.ranAt.description ?? "never",
                state.map { Figures.count($0.removed) } ?? "–", "",
            ]
        }
        // Sentences are longer than a cell.
        let notes = RetentionTable.allCases.map { states[$0]?.note ?? "" }
        print(table.lines(trailing: notes).joined(separator: "\n"))
        let closed = days.sorted { $0.key < $1.key }.map { "\(Figures.count($0.value)) \($0.key)" }
        print("\ndays: \(closed.isEmpty ? "none is sealed yet" : closed.joined(separator: ", "))")
        print("file: \(status.space.sentence)")
        if !holds.isEmpty { print("\(Figures.count(holds.count, "hold")): `tallyd hold list` names them") }
        for override in overrides {
            print("user \(override.user.printable) in \(override.table.printable): \(override.period)")
        }
    }

    private static func json(
        _ policies: RetentionPolicies, _ states: [RetentionTable: RetentionState], _ status: RollupStatus, _ holds: Int,
        _ overrides: [RetentionOverrides.Override]
    ) -> JSONValue {
        .object([
            "tables": .array(
                RetentionTable.allCases.map { name in
                    let state = states[name]
                    let ran = state.flatMap { $0.ranAt.milliseconds > 0 ? $0.ranAt : nil }
                    return .object([
                        "table": .string(name.rawValue), "period": .string("\(policies.period(of: name))"),
                        "last_run": JSONValue(ran), "removed": JSONValue(state?.removed),
                        "note": JSONValue(state?.note),
                        "waits_for_approval": .bool(state?.isWaiting ?? false),
                        "approved_at": JSONValue(state?.approvedAt),
                    ])
                }),
            "days": .object(status.closedDays.mapValues { JSONValue($0) }), "holds": JSONValue(holds),
            "file": [
                "bytes": JSONValue(status.space.bytes), "free_bytes": JSONValue(status.space.freeBytes),
                "free_percent": JSONValue(Figures.percentage(status.space.freePages, of: status.space.pages)),
                "auto_vacuum": .string(status.space.autoVacuum.word),
            ],
            "overrides": .array(
                overrides.map { override in
                    .object([
                        "user": .string(override.user), "table": .string(override.table),
                        "period": .string("\(override.period)"),
                    ])
                }),
        ])
    }
}

/// `tallyd retention approve`.
struct RetentionApprove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve", abstract: "Let the next run remove what the plan shows, though it is unusually much.",
        discussion:
            "Look at `tallyd retention plan` first. An approval holds for a week, for the period as it is now, and for one table."
    )

    @Argument(help: "The table.") var table: TableName
    @OptionGroup var options: DatabaseOptions

    func run() async throws {
        let database = try await UsageDatabase.open(options)
        let policies = database.settings.retention.policies
        let planner = RetentionPlanner(store: database.store, zone: database.zone, policies: policies)
        let now = WallClock.now()
        let name = table.table.rawValue
        let plan = try await planner.plan(now: now).tables.first { $0.table == table.table }
        guard let plan, let stop = plan.stop else {
            print("\(name): nothing of it waits for an approval")
            return
        }
        try await RetentionState.approve(database.store, table.table, plan.period, now: now)
        print("\(name): approved, though \(stop.sentence)")
        print(
            "\(Figures.count(plan.due.rows, "row")) will go with the next run; `tallyd jobs run retention` runs it now")
    }
}

/// `tallyd retention override`.
struct RetentionOverride: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "override", abstract: "Keep one user's rows of a table for another period than the policy's.")

    @Argument(help: "The user's id.") var user: String
    @Argument(help: "The table.") var table: TableName
    @Argument(help: ArgumentHelp("A duration such as 365d, forever, or policy to take it back.", valueName: "period"))
    var period: String
    @OptionGroup var options: DatabaseOptions

    func validate() throws {
        guard table.table.hasUsers else {
            throw ValidationError(
                "\(table.table.rawValue) has rows of no user in particular: an override has no effect there.")
        }
        _ = try parsed()
    }

    private func parsed() throws -> RetentionPeriod? {
        guard period != "policy" else { return nil }
        do {
            let parsed = try RetentionPeriod(parsing: period)
            guard parsed != .off else {
                throw ValidationError("off is for whole tables; write forever to keep \(user)'s rows.")
            }
            return parsed
        } catch let problem as DurationText.Problem {
            throw ValidationError("\(period) \(problem), or forever, or policy.")
        }
    }

    func run() async throws {
        let database = try await UsageDatabase.open(options)
        let terms = try parsed()
        try await RetentionOverrides(store: database.store).set(terms, for: user, in: table.table, now: WallClock.now())
        let policy = database.settings.retention.policies.period(of: table.table)
        print(
            "\(user.printable) in \(table.table.rawValue): \(terms.map { "\($0)" } ?? "as the policy says, \(policy)")")
    }
}
