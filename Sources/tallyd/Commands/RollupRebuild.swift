import ArgumentParser
import Daemon
import Scheduling
import Storage

/// `tallyd rollup rebuild`.
struct RollupRebuild: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild",
        abstract: "Count days anew from raw rows.",
        discussion: """
            Every day, or those from --from to --to. Refused, naming the days, where raw rows may be gone: their totals stand. Where a \
            daemon has the database, that one counts and this waits.

            After a change of TALLYD_TIMEZONE every day has to be counted anew: stop the daemon, and run it without --from and --to.

            EXAMPLES
              tallyd rollup rebuild --from 2026-11-01 --to 2026-11-23
              TALLYD_TIMEZONE=Europe/Berlin tallyd rollup rebuild --all
            """)

    @OptionGroup var options: DatabaseOptions
    @OptionGroup var days: DayOptions

    @Flag(help: "Every day, which is also meant when neither --from nor --to is given.")
    var all = false

    private static let command = "tallyd rollup rebuild"

    func validate() throws {
        if all, !days.isEmpty { throw ValidationError("--all means every day: leave out --from and --to.") }
    }

    func run() async throws {
        let database = try await UsageDatabase.open(options)
        let interruption = Interruption()
        let status = try await RollupStatus.read(database.store)
        if let counted = status.zone, counted != database.zone.name {
            try await changeZone(database, from: counted, interruption)
            return
        }
        let marked = try await Rebuild(store: database.store, zone: database.zone).mark(days.range ?? .first ... .last)
        guard let first = marked.first, let last = marked.last else {
            print("nothing to do: there is neither usage nor a total in these days")
            return
        }
        let catchUp = CatchUp(database: database, command: Self.command, interruption: interruption)
        let wanted = Set(marked)
        let conclusion = try await catchUp.run { wanted.isDisjoint(with: $0.markedDays) }
        let range = first == last ? "\(first)" : "\(first) to \(last)"
        switch conclusion {
        case .counted(let outcome): print("\(range): \(Rollup.Outcome.sentence(of: outcome))")
        case .waited(let holder):
            print("\(range): \(Figures.count(marked.count, "day")) counted anew by \(holder.printable)")
        }
    }

    /// From one zone to the other. Nobody else may count meanwhile, in either.
    private func changeZone(_ database: UsageDatabase, from counted: String, _ interruption: Interruption) async throws
    {
        guard days.isEmpty else {
            throw StorageError(
                .zoneChanged, cannot: "rebuild a part of", database.path,
                because: "its days were counted in \(counted), and TALLYD_TIMEZONE says \(database.zone.name)",
                remedy:
                    "Leave out --from and --to to count every day anew in \(database.zone.name), or set TALLYD_TIMEZONE=\(counted)."
            )
        }
        let store = database.store
        let ownership = try await Ownership.take(store, command: Self.command, now: WallClock.now())
        defer { withExtendedLifetime(ownership) {} }
        // What is claimed or corrected was so in the old zone, and is finished in it.
        if let old = Zone(counted) {
            _ = try await Counting(store: store, zone: old, term: ownership.term, interruption: interruption).run()
        }
        try await Rebuild(store: store, zone: database.zone, term: ownership.term).changeZone()
        let counting = Counting(store: store, zone: database.zone, term: ownership.term, interruption: interruption)
        let outcome = try await counting.run()
        print("days of \(counted) are now days of \(database.zone.name): \(Rollup.Outcome.sentence(of: outcome))")
    }
}
