import ArgumentParser
import Foundation
import Scheduling
import Storage

/// `tallyd webhooks attempts`.
struct WebhooksAttempts: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attempts", abstract: "List the attempts that were made, and what came of each.",
        discussion: """
            With --verbose also what the receiver answered: its head and the first 4 KiB of its body, control characters spelt out. JSON \
            has them always, the body as body_base64 where it is not UTF-8. Times and filters are those of the deliveries.

            EXAMPLES
              tallyd webhooks attempts --endpoint w1 --since 1h
              tallyd webhooks attempts --delivery 17 --verbose
            """)

    @OptionGroup var filter: DeliveryOptions
    @Option(
        help: ArgumentHelp(
            "Only of deliveries in this state: pending, claimed, delivered or dead. May be given several times.",
            valueName: "state"))
    var state: [Outbox.DeliveryState] = []
    @Flag(help: "Print head and body of the responses, too.") var verbose = false
    @OptionGroup var list: ListOptions
    @OptionGroup var options: DatabaseOptions

    func run() async throws {
        let database = try await UsageDatabase.open(options)
        var selection = filter.selection(now: WallClock.now())
        selection.states = Set(state)
        let attempts = try await OutboxReport(store: database.store).attempts(selection, limit: list.wanted)
        if attempts.isEmpty { try await filter.checkEndpoint(database) }
        let empty =
            filter.isEmpty && state.isEmpty
            ? "no attempt yet: `tallyd run` makes them, and `tallyd webhooks deliveries` says what waits"
            : "no attempt fits: `tallyd webhooks attempts` lists the newest"
        try list.show(attempts, as: "attempts", empty: empty, json: Self.json) { Self.lines($0, verbose: verbose) }
    }

    static func lines(_ attempts: [OutboxReport.Attempt], verbose: Bool) -> [String] {
        var table = TextTable([
            .right("delivery"), .right("attempt"), .left("started"), .right("took"), .left("status"), .left("reason"),
            .left("address"), .left("error"),
        ])
        table.rows = attempts.map { attempt in
            [
                "\(attempt.delivery)", "\(attempt.number)", "\(attempt.startedAt)", took(attempt),
                attempt.status.map { "\($0)" } ?? "–", attempt.reason ?? "delivered", attempt.address ?? "–", "",
            ]
        }
        // Sentences are longer than a cell.
        let lines = table.lines(trailing: attempts.map { ($0.error ?? "").printable })
        guard verbose else { return lines }
        return lines.prefix(1) + zip(lines.dropFirst(), attempts).flatMap { [$0] + response($1) }
    }

    static func took(_ attempt: OutboxReport.Attempt) -> String {
        DurationText.format(.milliseconds(max(0, attempt.milliseconds)))
    }

    private static func response(_ attempt: OutboxReport.Attempt) -> [String] {
        let body = attempt.body.map { String(decoding: $0, as: UTF8.self) } ?? ""
        return (attempt.head?.indentedLines ?? ["    no response"]) + (body.isEmpty ? [] : [""] + body.indentedLines)
    }

    static func json(_ attempt: OutboxReport.Attempt) -> JSONValue {
        let text = attempt.body.flatMap { String(validating: $0, as: UTF8.self) }
        let isForeign = text == nil && attempt.body != nil
        return .object([
            "delivery": JSONValue(attempt.delivery), "attempt": JSONValue(attempt.number),
            "started_at": JSONValue(attempt.startedAt), "duration_ms": JSONValue(attempt.milliseconds),
            "status": JSONValue(attempt.status), "reason": JSONValue(attempt.reason),
            "error": JSONValue(attempt.error), "address": JSONValue(attempt.address), "head": JSONValue(attempt.head),
            "body": JSONValue(text),
            "body_base64": JSONValue(isForeign ? attempt.body?.base64EncodedString() : nil),
        ])
    }
}
