import ArgumentParser
import Storage

/// `tallyd webhooks dead`.
struct WebhooksDead: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead", abstract: "List the dead letters: deliveries that were given up, and why.",
        discussion: """
            What is wrong with an event itself (its type, its payload) stays dead; what was wrong with an endpoint can be mended, and its \
            dead letters queued again.

            EXAMPLES
              tallyd webhooks dead --since 1d
              tallyd webhooks dead --endpoint w1 --json | jq -r '.deliveries[].reason' | sort | uniq -c
              tallyd webhooks replay --dead --endpoint w1
            """)

    @OptionGroup var filter: DeliveryOptions
    @OptionGroup var list: ListOptions
    @OptionGroup var options: DatabaseOptions

    func run() async throws {
        let database = try await UsageDatabase.open(options)
        var selection = filter.selection(now: WallClock.now())
        selection.states = [.dead]
        let deliveries = try await OutboxReport(store: database.store).deliveries(selection, limit: list.wanted)
        if deliveries.isEmpty { try await filter.checkEndpoint(database) }
        let empty = filter.isEmpty ? "no dead letter" : "no dead letter fits: `tallyd webhooks dead` lists the newest"
        try list.show(deliveries, as: "deliveries", empty: empty, json: WebhooksDeliveries.json) { deliveries in
            Self.lines(deliveries) + Self.remedies(deliveries)
        }
    }

    /// What to do, once a reason.
    private static func remedies(_ deliveries: [OutboxReport.Delivery]) -> [String] {
        let reasons = Dictionary(grouping: deliveries) { $0.reason ?? "" }
        let lines = reasons.sorted { $0.key < $1.key }.map { reason, deliveries in
            let endpoints = Set(deliveries.map(\.endpoint))
            let endpoint = endpoints.count == 1 ? endpoints.first ?? nil : nil
            return "\(reason.printable): \(ReasonText.remedy(reason, endpoint: endpoint))"
        }
        guard reasons.keys.contains(where: ReasonText.canBeMended) else { return lines }
        return lines + [
            "`tallyd webhooks replay --dead` with the same filters queues again what has its event and its endpoint"
        ]
    }

    static func lines(_ deliveries: [OutboxReport.Delivery]) -> [String] {
        var table = TextTable([
            .right("delivery"), .left("event"), .left("type"), .left("endpoint"), .right("attempts"), .left("since"),
            .left("reason"),
        ])
        table.rows = deliveries.map { delivery in
            [
                "\(delivery.id)", delivery.event ?? "removed", delivery.type ?? "–", delivery.endpoint ?? "–",
                Figures.count(delivery.attempts), delivery.settledAt.map { "\($0)" } ?? "–", delivery.reason ?? "",
            ]
        }
        return table.lines()
    }
}
