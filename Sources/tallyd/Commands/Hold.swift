import ArgumentParser
import Scheduling
import Storage

/// `tallyd hold`: the group.
struct Hold: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Keep rows from being removed, whatever their age, until you release them.",
        discussion: """
            A hold names whose rows, in which table and of which days must stay; what it leaves out is any. It counts from the moment it is \
            added: every deleting statement asks for holds itself.

            EXAMPLES
              tallyd hold add --user acme --reason "case 17"
              tallyd hold add --table audit_logs --from 2026-01-01 --to 2026-03-31 --reason "audit 2026"
              tallyd hold list
              tallyd hold release 3
            """,
        subcommands: [HoldList.self, HoldAdd.self, HoldRelease.self], defaultSubcommand: HoldList.self)
}

/// `tallyd hold add`.
struct HoldAdd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "add", abstract: "Hold rows from now on.")

    @Option(help: "Whose rows; without it, everybody's.") var user: String?
    @Option(help: "In which table; without it, in all.") var table: TableName?
    @OptionGroup var days: DayOptions
    @Option(help: "Why: it stands in the list and in audit_logs.") var reason: String
    @Option(
        help: ArgumentHelp(
            "For how long, such as 180d; without it, until it is released.", valueName: "duration"),
        transform: ReloadCommand.duration)
    var lasts: Duration?
    @OptionGroup var options: DatabaseOptions

    func validate() throws {
        guard reason.contains(where: { !$0.isWhitespace }) else {
            throw ValidationError("--reason is empty: write why the rows must stay.")
        }
        if let user, user.isEmpty {
            throw ValidationError("--user is empty: name a user, or leave it out for everybody.")
        }
    }

    func run() async throws {
        let database = try await UsageDatabase.open(options)
        let now = WallClock.now()
        let end = lasts.map { Instant(milliseconds: now.milliseconds + Int64($0 / .milliseconds(1))) }
        let scope = RetentionHolds.Scope(user: user, table: table?.table, from: days.from, through: days.to)
        let hold = try await RetentionHolds(store: database.store).add(scope, reason: reason, endsAt: end, now: now)
        let until = end.map { "until \($0)" } ?? "until `tallyd hold release \(hold.id)`"
        print("hold \(hold.id): \(scope.words.printable), \(until)")
    }
}

/// `tallyd hold list`.
struct HoldList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the holds.")

    @OptionGroup var options: DatabaseOptions
    @Flag(help: "Also those that were released.") var all = false
    @Flag(help: .jsonHelp) var json = false

    func run() async throws {
        let database = try await UsageDatabase.open(options)
        let holds = try await RetentionHolds(store: database.store).list(includingReleased: all)
        guard !json else {
            print(try JSONValue.object(["holds": .array(holds.map(Self.json))]).text())
            return
        }
        guard !holds.isEmpty else {
            print("nothing is held")
            return
        }
        var table = TextTable([.right("hold"), .left("holds"), .left("since"), .left("until"), .left("reason")])
        table.rows = holds.map { hold in
            let until =
                hold.releasedAt.map { "released \($0)" } ?? hold.endsAt.map { "\($0)" } ?? "it is released"
            return ["\(hold.id)", hold.scope.words, "\(hold.createdAt)", until, hold.reason]
        }
        print(table.lines().joined(separator: "\n"))
    }

    private static func json(_ hold: RetentionHolds.Hold) -> JSONValue {
        .object([
            "id": JSONValue(hold.id), "user": JSONValue(hold.scope.user),
            "table": JSONValue(hold.scope.table?.rawValue),
            "from": JSONValue(hold.scope.from), "to": JSONValue(hold.scope.through), "reason": .string(hold.reason),
            "created_at": JSONValue(hold.createdAt), "ends_at": JSONValue(hold.endsAt),
            "released_at": JSONValue(hold.releasedAt),
        ])
    }
}

/// `tallyd hold release`.
struct HoldRelease: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release", abstract: "Let held rows go again when they are old enough.")

    @Argument(help: "The hold's number.") var hold: Int64
    @OptionGroup var options: DatabaseOptions

    func run() async throws {
        let database = try await UsageDatabase.open(options)
        guard let released = try await RetentionHolds(store: database.store).release(hold, now: WallClock.now()) else {
            throw ValidationError("hold \(hold) is none, or was released before: `tallyd hold list --all` lists them.")
        }
        print("hold \(hold) is released: \(released.scope.words.printable)")
    }
}
