import ArgumentParser
import Scheduling
import Storage

/// Which events a command is about. All that is given must hold.
struct EventOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Only this event.", valueName: "id")) var event: String?
    @Option(help: ArgumentHelp("Only events of this user.", valueName: "id")) var user: String?
    @Option(help: "Only events of this type, or of a group: usage.* is all below usage.") var type: String?

    @Option(
        help: ArgumentHelp("Only what came at this time or later, or so long ago at most.", valueName: "time|duration"),
        transform: Moment.parse)
    var since: Moment?

    @Option(
        help: ArgumentHelp("Only what came before this time, or longer ago.", valueName: "time|duration"),
        transform: Moment.parse)
    var until: Moment?

    func validate() throws {
        if let type, (group == nil ? type[...] : type.dropLast()).contains("*") {
            throw ValidationError(
                "--type \(type.printable) has a * in it: write a type, a group such as usage.*, or leave it out for all."
            )
        }
        let now = WallClock.now()
        if let since, let until, since.instant(now: now) >= until.instant(now: now) {
            throw ValidationError("--since is not before --until: nothing can lie between them.")
        }
    }

    var isEmpty: Bool { event == nil && user == nil && type == nil && since == nil && until == nil }

    /// With the full stop at the end.
    private var group: String? {
        type.flatMap { $0.hasSuffix(".*") ? String($0.dropLast()) : nil }
    }

    func selection(now: Instant) -> Outbox.Selection {
        var selection = Outbox.Selection()
        selection.event = event
        selection.user = user
        selection.type = group == nil ? type : nil
        selection.group = group
        selection.from = since?.instant(now: now)
        selection.until = until?.instant(now: now)
        return selection
    }
}

/// Which deliveries a command is about. All that is given must hold.
struct DeliveryOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Only this delivery.", valueName: "number")) var delivery: Int64?
    @Option(help: ArgumentHelp("Only deliveries to this endpoint.", valueName: "id")) var endpoint: String?
    @OptionGroup var events: EventOptions

    var isEmpty: Bool { delivery == nil && endpoint == nil && events.isEmpty }

    /// For a list that is empty: an endpoint that is gone may have left something, but one that never was is a slip of the pen.
    func checkEndpoint(_ database: UsageDatabase) async throws {
        let report = OutboxReport(store: database.store)
        var left = Outbox.Selection()
        left.endpoint = endpoint
        guard let endpoint, try await report.endpoints(endpoint: endpoint).isEmpty,
            try await report.deliveries(left, limit: 1).isEmpty
        else { return }
        throw ValidationError.noEndpoint(endpoint)
    }

    func selection(now: Instant) -> Outbox.Selection {
        var selection = events.selection(now: now)
        selection.delivery = delivery
        selection.endpoint = endpoint
        return selection
    }
}

/// How much of a list is printed, and as what.
struct ListOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How many to list at most, the newest first; 1 to 10000.", valueName: "number"))
    var limit = 50

    @Flag(help: .jsonHelp) var json = false

    func validate() throws {
        guard (1...10_000).contains(limit) else {
            throw ValidationError("--limit \(limit) is out of range: write 1 to 10000.")
        }
    }

    /// One more than is shown tells that there is more.
    var wanted: Int { limit + 1 }

    /// Prints the list, or in its place a sentence for an empty one.
    func show<Item>(
        _ found: [Item], as key: String, empty: String, json itemJSON: (Item) -> JSONValue, lines: ([Item]) -> [String]
    ) throws {
        let items = Array(found.prefix(limit))
        let hasMore = found.count > limit
        guard !json else {
            print(try JSONValue.object([key: .array(items.map(itemJSON)), "more": .bool(hasMore)]).text())
            return
        }
        guard !items.isEmpty else {
            print(empty)
            return
        }
        print(lines(items).joined(separator: "\n"))
        if hasMore { print("there are more: --limit shows more of them, filters show others") }
    }
}

extension Outbox.DeliveryState: ExpressibleByArgument {}
