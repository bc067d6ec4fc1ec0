import ArgumentParser

/// `tallyd webhooks`: the group.
struct WebhookCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "webhooks",
        abstract: "Show, send, try and repeat webhooks, and set how an endpoint gets them.",
        discussion: """
            An event is a row of webhook_events, which the gateway inserts together with what happened. `tallyd run` makes a delivery of \
            it for each endpoint (a row of webhooks) that has asked for its type, and attempts that until it is delivered or a dead \
            letter. These commands work on the database, beside the daemon or without one. None prints a secret, except the one that \
            rotate-secret has just made; of a url they show no query.

            EXAMPLES
              tallyd webhooks endpoints                          who is told of what, and how they are doing
              tallyd webhooks dead --since 1d                    what was given up, and why
              tallyd webhooks attempts --delivery 17 --verbose   what a receiver answered
              tallyd webhooks test w1 --wait                     try one endpoint
              tallyd webhooks replay --dead --endpoint w1        queue its dead letters again
              tallyd webhooks listen --secret-file key           a receiver to try things out with
            """,
        subcommands: [
            WebhooksEndpoints.self, WebhooksEvents.self, WebhooksDeliveries.self, WebhooksAttempts.self,
            WebhooksDead.self, WebhooksSend.self, WebhooksTest.self, WebhooksReplay.self, WebhooksEnable.self,
            WebhooksDisable.self, WebhooksSet.self, WebhooksRotateSecret.self, WebhooksListen.self,
        ], defaultSubcommand: WebhooksEndpoints.self)
}

extension ValidationError {
    /// One wording for every command that is about one endpoint.
    static func noEndpoint(_ id: String) -> ValidationError {
        ValidationError(
            "there is no endpoint \(id.isEmpty ? "\"\"" : id.printable): `tallyd webhooks endpoints` lists them.")
    }
}
