import ArgumentParser
import Storage

/// `tallyd webhooks replay`.
struct WebhooksReplay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Queue deliveries again, with all their retries.",
        discussion: """
            Says how many first, and asks; where there is no terminal to ask on, it needs --yes. Without --dead it also repeats what was \
            delivered: the receiver gets the same id once more. What is under way is left alone, and so is what has lost its event or its \
            endpoint.

            EXAMPLES
              tallyd webhooks replay --dead --endpoint w1
              tallyd webhooks replay --delivery 17 --yes
              tallyd webhooks replay --endpoint w1 --since 2026-11-23T10:00 --until 2026-11-23T12:00
            """)

    @OptionGroup var filter: DeliveryOptions
    @Flag(help: "Only dead letters.") var dead = false
    @Flag(help: "All deliveries there are, in place of a filter.") var all = false
    @Flag(help: "Do not ask.") var yes = false
    @Flag(help: "Only say how many.") var dryRun = false
    @OptionGroup var options: DatabaseOptions
    @Flag(help: .jsonHelp) var json = false

    func validate() throws {
        let hasFilter = !filter.isEmpty || dead
        guard hasFilter || all else {
            throw ValidationError(
                "say which: name an event, an endpoint or another filter, or --all for every delivery.")
        }
        guard !hasFilter || !all else {
            throw ValidationError("--all is every delivery: leave out the filters, or --all.")
        }
    }

    func run() async throws {
        let database = try await UsageDatabase.open(options)
        let outbox = Outbox(store: database.store)
        var selection = filter.selection(now: WallClock.now())
        if dead { selection.states = [.dead] }
        let count = try await outbox.countReplay(selection)
        if count == 0 { try await filter.checkEndpoint(database) }
        try await warn(selection, database)
        guard count > 0, !dryRun else { return try conclude(count, queued: 0) }
        if !yes {
            let words = Figures.deliveries(count)
            guard Terminal.canAsk else {
                throw ValidationError("\(words) would be queued again: say --yes where there is no terminal to ask on.")
            }
            guard Terminal.confirms("\(words) will be queued again. Go on?") else {
                Terminal.complain("nothing was queued")
                throw ExitStatus.failure.code
            }
        }
        try conclude(count, queued: try await outbox.replay(selection, now: WallClock.now()))
    }

    /// Of endpoints to which nothing would arrive.
    private func warn(_ selection: Outbox.Selection, _ database: UsageDatabase) async throws {
        let ids = Set(try await Outbox(store: database.store).endpointsOfReplay(selection))
        let endpoints = ids.isEmpty ? [] : try await OutboxReport(store: database.store).endpoints()
        let obstacles = endpoints.filter { ids.contains($0.id) }.compactMap(\.obstacle)
        for obstacle in obstacles.prefix(Self.mostWarnings) { Terminal.complain(obstacle) }
        if obstacles.count > Self.mostWarnings {
            let rest = Figures.count(obstacles.count - Self.mostWarnings, "endpoint")
            Terminal.complain("and \(rest) more: see `tallyd webhooks endpoints`")
        }
    }

    private static let mostWarnings = 5

    private func conclude(_ count: Int, queued: Int) throws {
        if json {
            print(try JSONValue.object(["matching": JSONValue(count), "queued": JSONValue(queued)]).text())
        } else if count == 0 {
            print("no delivery fits, of those that have their event and their endpoint and are not under way")
        } else if dryRun {
            print("\(Figures.deliveries(count)) would be queued again")
        } else {
            print("\(Figures.deliveries(queued)) queued again: `tallyd run` delivers \(queued == 1 ? "it" : "them")")
        }
    }
}

extension Figures {
    /// `1 delivery`, `2,000 deliveries`.
    fileprivate static func deliveries(_ value: Int) -> String {
        value == 1 ? "1 delivery" : "\(count(value)) deliveries"
    }
}
