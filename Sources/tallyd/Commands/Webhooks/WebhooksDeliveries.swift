import ArgumentParser
import Scheduling
import Storage

/// `tallyd webhooks deliveries`.
struct WebhooksDeliveries: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deliveries", abstract: "List what is, was and will be told to whom.",
        discussion: """
            pending waits for its next attempt, claimed is under way or waits in memory for its turn, delivered and dead are settled. The \
            reason is why it is dead, or why its last attempt failed; JSON has the remedy for a dead one, too.

            EXAMPLES
              tallyd webhooks deliveries --endpoint w1
              tallyd webhooks deliveries --state pending --state claimed
              tallyd webhooks deliveries --event evt_6f… --json
            """)

    @OptionGroup var filter: DeliveryOptions
    @Option(
        help: ArgumentHelp(
            "Only deliveries in this state: pending, claimed, delivered or dead. May be given several times.",
            valueName: "state"))
    var state: [Outbox.DeliveryState] = []
    @OptionGroup var list: ListOptions
    @OptionGroup var options: DatabaseOptions

    func run() async throws {
        let database = try await UsageDatabase.open(options)
        var selection = filter.selection(now: WallClock.now())
        selection.states = Set(state)
        let deliveries = try await OutboxReport(store: database.store).deliveries(selection, limit: list.wanted)
        if deliveries.isEmpty { try await filter.checkEndpoint(database) }
        let empty =
            filter.isEmpty && state.isEmpty
            ? "no delivery yet: `tallyd run` makes them of events (`tallyd webhooks events`) for endpoints that ask for them"
            : "no delivery fits: `tallyd webhooks deliveries` lists the newest"
        let now = WallClock.now()
        try list.show(deliveries, as: "deliveries", empty: empty, json: Self.json) { Self.lines($0, now: now) }
    }

    static func lines(_ deliveries: [OutboxReport.Delivery], now: Instant) -> [String] {
        var table = TextTable([
            .right("delivery"), .left("event"), .left("type"), .left("endpoint"), .left("state"), .right("attempts"),
            .left("next attempt"), .left("settled"), .left("reason"),
        ])
        table.rows = deliveries.map { delivery in
            [
                "\(delivery.id)", delivery.event ?? "removed", delivery.type ?? "–", delivery.endpoint ?? "–",
                delivery.state.rawValue, Figures.count(delivery.attempts),
                next(delivery, now: now),
                delivery.settledAt.map { "\($0)" } ?? "–",
                delivery.reason ?? "",
            ]
        }
        return table.lines()
    }

    private static func next(_ delivery: OutboxReport.Delivery, now: Instant) -> String {
        if delivery.isHeld { return "once enabled" }
        guard let next = delivery.nextAttempt, delivery.state == .pending || next > now else { return "–" }
        return "\(next)"
    }

    static func json(_ delivery: OutboxReport.Delivery) -> JSONValue {
        .object([
            "id": JSONValue(delivery.id), "event": JSONValue(delivery.event), "type": JSONValue(delivery.type),
            "endpoint": JSONValue(delivery.endpoint), "state": .string(delivery.state.rawValue),
            "attempts": JSONValue(delivery.attempts), "next_attempt_at": JSONValue(delivery.nextAttempt),
            "reason": JSONValue(delivery.reason),
            "remedy": JSONValue(
                delivery.state == .dead
                    ? delivery.reason.map { ReasonText.remedy($0, endpoint: delivery.endpoint) } : nil),
            "created_at": JSONValue(delivery.createdAt),
            "settled_at": JSONValue(delivery.settledAt),
        ])
    }
}
