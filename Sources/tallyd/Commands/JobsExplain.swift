import ArgumentParser
import Daemon
import Scheduling
import Storage

/// `tallyd jobs explain`.
struct JobsExplain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Show a job's next slots, and what changes of the clocks do to them.",
        discussion: """
            EXAMPLES
              tallyd jobs explain rollup -n 3
              tallyd jobs explain rollup --schedule 'Mon..Fri *-*-* 02:30 Europe/Berlin' -n 10
            """)

    @Argument(help: "The job.") var job: JobName
    @Option(name: .shortAndLong, help: "How many slots.") var number = 10
    @Option(
        help: ArgumentHelp(
            "Another schedule to try: a duration, or a calendar expression as in systemd.time(7).",
            valueName: "schedule"))
    var schedule: String?
    @OptionGroup var options: DatabaseOptions
    @Flag(help: .jsonHelp) var json = false

    func validate() throws {
        guard (1...10_000).contains(number) else {
            throw ValidationError("--number \(number) is out of range: write 1 to 10000.")
        }
    }

    func run() async throws {
        let settings = try options.settings()
        let zone = try settings.zone
        let wanted = try schedule.map { try Self.parse($0, zone: zone) } ?? job.entry.schedule(settings)
        let slots = wanted.explain(after: WallClock.now(), count: number, zone: zone)
        print(json ? try Self.json(slots, wanted).text() : Self.text(slots, wanted))
    }

    static func parse(_ text: String, zone: Zone) throws -> Schedule {
        do throws(Schedule.Problem) {
            return try Schedule(parsing: text, zone: zone)
        } catch {
            throw ValidationError("--schedule: \(error)")
        }
    }

    static func text(_ slots: [ExplainedSlot], _ schedule: Schedule) -> String {
        guard !slots.isEmpty else { return "\(schedule) never comes again" }
        var table = TextTable([.left("slot"), .left("in UTC"), .left("")])
        table.rows = slots.map { [$0.wall, $0.utc, ""] }
        let notes = slots.map { $0.note ?? "" }
        return (["\(schedule)"] + table.lines(trailing: notes)).joined(separator: "\n")
    }

    static func json(_ slots: [ExplainedSlot], _ schedule: Schedule) -> JSONValue {
        .object([
            "schedule": .string("\(schedule)"),
            "slots": .array(
                slots.map {
                    .object(["wall": .string($0.wall), "utc": .string($0.utc), "note": JSONValue($0.note)])
                }),
        ])
    }
}
