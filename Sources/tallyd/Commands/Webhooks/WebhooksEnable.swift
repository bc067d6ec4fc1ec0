import ArgumentParser
import Storage

/// `tallyd webhooks enable`.
struct WebhooksEnable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enable", abstract: "Tell an endpoint again: forget its failures, and take its url for meant.",
        discussion: """
            Ends `webhooks disable`, what a 410 or days of failures did, and the wait after its url changed while its secret did not. \
            What is queued for it goes now; its dead letters stay, for `tallyd webhooks replay --dead --endpoint ID`.
            """)

    @Argument(help: "The endpoint's id.") var endpoint: String
    @OptionGroup var options: DatabaseOptions
    @Flag(help: .jsonHelp) var json = false

    func run() async throws {
        try await EndpointSwitch(endpoint: endpoint, options: options, json: json).turn(on: true)
    }
}

/// `tallyd webhooks disable`.
struct WebhooksDisable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disable", abstract: "Send an endpoint nothing more, until it is enabled.",
        discussion: """
            Events that it has asked for become dead letters meanwhile, and so does what is queued for it, as it comes due; \
            `tallyd webhooks replay --dead --endpoint ID` brings them back once it is enabled. An attempt under way ends as it would. Its \
            user's other endpoints and the operators' are told, by webhook.endpoint_disabled.
            """)

    @Argument(help: "The endpoint's id.") var endpoint: String
    @OptionGroup var options: DatabaseOptions
    @Flag(help: .jsonHelp) var json = false

    func run() async throws {
        try await EndpointSwitch(endpoint: endpoint, options: options, json: json).turn(on: false)
    }
}

/// What enabling and disabling have in common.
private struct EndpointSwitch {
    let endpoint: String
    let options: DatabaseOptions
    let json: Bool

    func turn(on isOn: Bool) async throws {
        let database = try await UsageDatabase.open(options)
        let outbox = Outbox(store: database.store)
        let now = WallClock.now()
        guard try await outbox.setStanding(endpoint, enabled: isOn, now: now),
            let after = try await OutboxReport(store: database.store).endpoints(endpoint: endpoint).first
        else { throw ValidationError.noEndpoint(endpoint) }
        guard !json else {
            print(try after.json(now: now).text())
            return
        }
        let name = endpoint.printable
        print(isOn ? "\(name) is enabled" : "\(name) is disabled; `tallyd webhooks enable \(name)` ends that")
        if isOn, !after.isActive { print("nothing goes before the gateway sets is_active in webhooks, too") }
        if isOn, after.dead > 0 {
            print(
                "\(Figures.count(after.dead, "dead letter")): `tallyd webhooks replay --dead --endpoint \(name)` queues \(after.dead == 1 ? "it" : "them") again"
            )
        }
    }
}
