import ArgumentParser
import Daemon
import Scheduling
import Storage

/// `tallyd compact`.
struct Compact: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Rewrite the database without its free pages, while nobody else has it open.",
        discussion: """
            For once, after much has been removed: what becomes free day by day is reused. Stop the gateway and the daemon first; it refuses \
            while anybody has the file open. The copy, NAME.compacting, takes as much room as the pages in use. It is read back and compared \
            before it takes the file's name, with the file's owner, group and mode. Whatever fails, and Ctrl-C, leave the file as it was.

            EXAMPLES
              tallyd compact --dry-run                       what it would find: sizes, room, who has the file open
              tallyd compact
              tallyd compact --auto-vacuum incremental       and let retention give pages back from now on
            """)

    @OptionGroup var options: DatabaseOptions

    @Option(
        help: ArgumentHelp(
            "Whether retention can give free pages back from then on: incremental, or none. Left as it is unless said.",
            valueName: "kind"))
    var autoVacuum: AutoVacuumWord?

    @Flag(help: "Say what it would find, and change nothing.")
    var dryRun = false

    @Flag(help: .jsonHelp) var json = false

    private static let command = "tallyd compact"

    func run() async throws {
        let settings = try options.settings()
        let compaction = try Compaction(path: settings.database, autoVacuum: autoVacuum?.kind)
        guard !dryRun else {
            let plan = try compaction.plan()
            print(json ? try plan.json.text() : plan.lines(settings.database).joined(separator: "\n"))
            return
        }
        let locks = try Self.locks(settings.database)
        let interruption = Interruption()
        let bar = ProgressBar()
        // The locks go with the values, which must outlive the work.
        defer { withExtendedLifetime(locks) { bar.clear() } }
        let began = MonotonicClock.nanoseconds()
        let outcome: Compaction.Outcome
        do {
            outcome = try compaction.run(now: WallClock.now(), shouldStop: { interruption.isRaised }) { phase, share in
                bar.show(phase.rawValue, fraction: share)
            }
        } catch is Compaction.Stopped {
            bar.clear()
            throw interruption.stopped("the database is as it was")
        }
        let took = Duration.nanoseconds(MonotonicClock.nanoseconds() - began)
        bar.clear()
        print(json ? try outcome.json(took).text() : outcome.lines(settings.database, took).joined(separator: "\n"))
    }

    /// The lock of every name under which a tallyd may have it: the one that was given, and the one that it leads to.
    private static func locks(_ database: String) throws -> [OwnerLock] {
        do {
            let names = try Compaction.names(of: database)
            return try names.map { try Ownership.lock($0, command: command) }
        } catch let error as StorageError where error.kind == .ownedByAnother {
            throw StorageError(
                .ownedByAnother, cannot: "compact", database, because: error.cause,
                remedy: "Stop it first, and the gateway too: `systemctl stop tallyd`, or Ctrl-C where it runs.")
        }
    }
}

/// What `--auto-vacuum` takes.
enum AutoVacuumWord: String, CaseIterable, ExpressibleByArgument {
    case incremental, none

    var kind: FileSpace.AutoVacuum { self == .incremental ? .incremental : .none }
}
