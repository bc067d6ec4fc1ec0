import ArgumentParser
import Scheduling
import Storage

/// `tallyd webhooks endpoints`.
struct WebhooksEndpoints: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "endpoints", abstract: "List the endpoints, how they are doing, and what waits for them.",
        discussion: """
            Of a url the query is not shown; one that is refused shows only why. Of a secret it shows how it signs: v1 is HMAC-SHA256, \
            v1a is Ed25519. Only an endpoint that stands as enabled gets everything: failing and gone were found out, switched off and \
            inactive were said, url changed and refused wait for somebody. Whether an address or plain http may be delivered to is for the \
            daemon's settings to say: see the last dead letter.

            EXAMPLES
              tallyd webhooks endpoints
              tallyd webhooks endpoints --user acme --json | jq '.endpoints[] | select(.standing != "enabled")'
            """)

    @Option(help: ArgumentHelp("Only this user's.", valueName: "id")) var user: String?
    @OptionGroup var options: DatabaseOptions
    @Flag(help: .jsonHelp) var json = false

    func run() async throws {
        let database = try await UsageDatabase.open(options)
        let endpoints = try await OutboxReport(store: database.store).endpoints(user: user)
        let now = WallClock.now()
        guard !json else {
            print(try JSONValue.object(["endpoints": .array(endpoints.map { $0.json(now: now) })]).text())
            return
        }
        guard !endpoints.isEmpty else {
            print(
                user.map { "user \($0.printable) has no endpoint: `tallyd webhooks endpoints` lists everybody's" }
                    ?? "there is no endpoint yet: the gateway enters them into webhooks (id, user_id, url, events, secret)"
            )
            return
        }
        print(Self.lines(endpoints, now: now).joined(separator: "\n"))
    }

    static func lines(_ endpoints: [OutboxReport.Endpoint], now: Instant) -> [String] {
        var table = TextTable([
            .left("endpoint"), .left("user"), .left("url"), .left("events"), .left("standing"), .left("secret"),
            .right("queued"), .right("dead"), .left("last delivery"),
        ])
        table.rows = endpoints.map { endpoint in
            [
                endpoint.id, endpoint.user, endpoint.urlText, endpoint.eventsText, endpoint.standingText,
                endpoint.secretText(now: now), Figures.count(endpoint.pending + endpoint.claimed),
                Figures.count(endpoint.dead), endpoint.lastDeliveryText ?? "never",
            ]
        }
        // Sentences are longer than a cell.
        return table.lines(trailing: endpoints.map { $0.remarks(now: now).joined(separator: "; ") })
    }
}
