import ArgumentParser
import Daemon
import Scheduling
import Storage

/// `tallyd erase`.
struct Erase: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Remove a person from every table and every archive, and keep every total.",
        discussion: """
            Usage goes to a pseudonym that nothing leads back from, without addresses, agents, error messages and request ids; sessions, keys, \
            preferences, conversations, webhooks and rate limits go. The totals are compared before and after, to the nano-dollar, and a \
            receipt without the name is left in audit_logs. A person whose rows are held is refused, and so is a file that can't be read, \
            before anything is touched.

            Nobody else may count meanwhile: stop the daemon first. The gateway may go on. Safe to stop (Ctrl-C) and to kill: the same \
            command goes on from there.

            EXAMPLES
              tallyd erase --user acme --dry-run                 what would go, and what is in the way
              tallyd erase --user acme
              tallyd erase --user acme --leave-archive /var/lib/tallyd/archive/usage_logs/2026-07-29.jsonl.zst
            """)

    @Option(help: "Whom, as user_id has it.") var user: String
    @Flag(help: "Only look: count rows and archive files, and name what is in the way.") var dryRun = false
    @Option(
        help: ArgumentHelp(
            "A column of your own that may stay as it is in the person's rows, as table.column.", valueName: "column"))
    var keepColumn: [String] = []
    @Option(
        help: ArgumentHelp(
            "An archive that is lost or damaged and stays as it is; the receipt names it.", valueName: "path"))
    var leaveArchive: [String] = []
    @OptionGroup var options: DatabaseOptions
    @Flag(help: .jsonHelp) var json = false

    func validate() throws {
        guard !user.isEmpty else { throw ValidationError("--user is empty: name a user as user_id has it.") }
    }

    func run() async throws {
        let (path, isDone) = try await work()
        guard isDone else { return }
        // Every connection of this program is closed by now.
        guard !LastConnection.close(path), !json else { return }
        Terminal.complain(
            "the write-ahead log still holds old pages, for others have the file open: their next checkpoints overwrite them"
        )
    }

    /// Whether something was erased.
    private func work() async throws -> (path: String, isDone: Bool) {
        let database = try await UsageDatabase.open(options)
        let store = database.store
        let interruption = Interruption()
        let bar = ProgressBar()
        defer { bar.clear() }
        let exceptions = Erasure.Exceptions(columns: Set(keepColumn), archives: Set(leaveArchive))
        func erasure(_ term: Term?) -> Erasure {
            Erasure(
                of: user, store: store, zone: database.zone, term: term,
                handover: database.settings.archiveHandover(monotonic: WallClock.monotonic, logger: .silent),
                exceptions: exceptions, now: WallClock.now)
        }
        if dryRun {
            let plan = try await erasure(nil).plan { bar.show($0) }
            bar.clear()
            print(json ? try plan.json(user).text() : plan.text(user))
            if let obstacle = plan.obstacles.first { throw ExitCode(ExitStatus(of: obstacle).rawValue) }
            return (store.path, false)
        }
        try database.settings.checkPrograms()
        let ownership = try await Ownership.take(store, command: "tallyd erase", now: WallClock.now())
        defer { withExtendedLifetime(ownership) {} }
        let outcome = try await erasure(ownership.term).run(
            shouldStop: { interruption.isRaised }, progress: { bar.show($0) })
        bar.clear()
        try interruption.check()
        let free = try await RollupStatus.read(store).space.freeBytes
        print(json ? try outcome.json(freeBytes: free).text() : outcome.text(user, freeBytes: free))
        return (store.path, !outcome.pseudonym.isEmpty)
    }
}
