import ArgumentParser
import Storage

/// `tallyd rollup run`.
struct RollupRun: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Count everything that is not counted yet, and end.",
        discussion: """
            Works beside the gateway, which does not notice. Where a daemon has the database, it waits until that one has counted \
            every row that is there now. Safe to stop (Ctrl-C) and to kill at any moment: the next run goes on from there.

            EXAMPLES
              tallyd rollup run --database usage.db
              tallyd rollup run && tallyd report --last 1d
            """)

    @OptionGroup var options: DatabaseOptions

    func run() async throws {
        let database = try await UsageDatabase.open(options)
        let interruption = Interruption()
        let target = try await RollupStatus.read(database.store).lastID
        let catchUp = CatchUp(database: database, command: "tallyd rollup run", interruption: interruption)
        let conclusion = try await catchUp.run { status in
            // Whoever deletes the newest row leaves a target that no cursor reaches.
            status.cursor >= target || status.lagRows == 0
        }
        switch conclusion {
        case .counted(let outcome): print(Rollup.Outcome.sentence(of: outcome))
        case .waited(let holder):
            print("up to date through row \(Figures.count(target)): counted by \(holder.printable)")
        }
    }
}

extension Rollup.Outcome {
    /// What a run did, for people; nil is a run that was not needed.
    static func sentence(of outcome: Rollup.Outcome?) -> String {
        guard let outcome, !outcome.didNothing else { return "nothing to do: everything is counted" }
        var parts: [String] = []
        if outcome.rows > 0 {
            let aside =
                outcome.rejected > 0
                ? ", \(Figures.count(outcome.rejected)) of them set aside (see `tallyd rollup rejects`)" : ""
            parts.append("went through \(Figures.count(outcome.rows, "row"))\(aside)")
        }
        if outcome.corrections > 0 { parts.append("applied \(Figures.count(outcome.corrections, "correction"))") }
        if outcome.daysDerived > 0 { parts.append("derived \(Figures.count(outcome.daysDerived, "day")) anew") }
        if outcome.prices > 0 { parts.append("noted \(Figures.count(outcome.prices, "price"))") }
        return parts.joined(separator: ", ")
    }
}
