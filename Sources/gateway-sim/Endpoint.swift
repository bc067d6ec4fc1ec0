import ArgumentParser

/// `gateway-sim endpoint`: what a gateway does when somebody enters where webhooks are to go.
struct Endpoint: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Enters a webhook endpoint, or changes the one of that id.")

    @Option(help: "The database file. It must already hold the gateway's tables.")
    var database: String

    @Option(help: "Its id.")
    var id = "endpoint-1"

    @Option(help: "Whose events it is told of.")
    var user = "user-00001"

    @Option(help: "Where they go.")
    var url: String

    @Option(help: "What they are signed with.")
    var secret: String?

    func run() throws {
        let connection = try SQLiteConnection(path: database)
        try connection.requireGatewayTables()
        let enter = try SQLiteStatement(
            connection,
            """
            INSERT INTO webhooks (id, user_id, url, events, secret)
            VALUES (?, ?, ?, '["*"]', ?)
            ON CONFLICT (id) DO UPDATE
            SET user_id = excluded.user_id, url = excluded.url, events = excluded.events, secret = excluded.secret
            """)
        for (index, value) in [id, user, url, secret].enumerated() { enter.bind(value, at: Int32(index + 1)) }
        guard try enter.run() == .done else {
            throw GatewayError("cannot enter the endpoint: \(database) is locked by another program. Try again.")
        }
    }
}
