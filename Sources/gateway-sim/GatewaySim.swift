// The other program. An OpenAI-compatible gateway on plain SQLite, as far as its database can tell: it creates nothing, it
// writes usage rows the way CONTRACT's gateways do, and it knows nothing of tallyd. That is why it has SQL of its own and
// talks to SQLite's C library directly: what it measures must not pass through the code that it judges.

import ArgumentParser

@main
struct GatewaySim: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gateway-sim",
        abstract: "Plays the gateway: writes usage rows into a usage database.",
        discussion: """
            The database file must already hold the gateway's tables; `tallyd migrate --database F` makes one.
            """,
        subcommands: [Generate.self, Write.self, Endpoint.self]
    )
}
