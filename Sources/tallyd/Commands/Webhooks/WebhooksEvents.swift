import ArgumentParser
import Storage

/// `tallyd webhooks events`.
struct WebhooksEvents: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "List what happened, and how far the telling of it is.",
        discussion: """
            EXAMPLES
              tallyd webhooks events --since 1h
              tallyd webhooks events --type usage.day_sealed --limit 5 --verbose
              tallyd webhooks events --event evt_6f… --json | jq -r '.events[0].payload'
            """)

    @OptionGroup var filter: EventOptions
    @Flag(help: "Print each payload, too.") var verbose = false
    @OptionGroup var list: ListOptions
    @OptionGroup var options: DatabaseOptions

    func run() async throws {
        let database = try await UsageDatabase.open(options)
        let selection = filter.selection(now: WallClock.now())
        let events = try await OutboxReport(store: database.store).events(selection, limit: list.wanted)
        let empty =
            filter.isEmpty
            ? "no event yet: the gateway inserts them into webhook_events, and `tallyd webhooks send` enters one"
            : "no event fits: `tallyd webhooks events` lists the newest"
        try list.show(events, as: "events", empty: empty, json: Self.json) { Self.lines($0, verbose: verbose) }
    }

    static func lines(_ events: [OutboxReport.Event], verbose: Bool) -> [String] {
        var table = TextTable([
            .left("event"), .left("type"), .left("user"), .left("created"), .right("payload"), .left("deliveries"),
        ])
        table.rows = events.map { event in
            [
                event.id, event.type, event.user ?? "–", "\(event.createdAt)",
                Figures.bytes(Int64(event.payload.utf8.count)), deliveries(of: event),
            ]
        }
        let lines = table.lines()
        guard verbose else { return lines }
        return lines.prefix(1) + zip(lines.dropFirst(), events).flatMap { [$0] + $1.payload.indentedLines }
    }

    private static func deliveries(of event: OutboxReport.Event) -> String {
        let counts = Outbox.DeliveryState.allCases.compactMap { state in
            event.deliveries[state].map { "\(Figures.count($0)) \(state.rawValue)" }
        }
        guard counts.isEmpty else { return counts.joined(separator: ", ") }
        return event.isFannedOut ? "none: nobody asked for it" : "not yet: `tallyd run` makes them"
    }

    static func json(_ event: OutboxReport.Event) -> JSONValue {
        .object([
            "id": .string(event.id), "type": .string(event.type), "user": JSONValue(event.user),
            "created_at": JSONValue(event.createdAt), "payload": .string(event.payload),
            "fanned_out": .bool(event.isFannedOut),
            "deliveries": .object(
                Dictionary(
                    uniqueKeysWithValues: Outbox.DeliveryState.allCases.map { state in
                        (state.rawValue, JSONValue(event.deliveries[state] ?? 0))
                    })),
        ])
    }
}

extension String {
    /// As lines below a table's row, fit for a terminal.
    var indentedLines: [String] {
        split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map { "    " + String($0).printable }
    }
}
