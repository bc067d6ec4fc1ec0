import ArgumentParser
import Storage

/// `tallyd webhooks set`.
struct WebhooksSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Set how an endpoint gets its messages; what is left out stays.",
        discussion: """
            Ordered is one at a time, each after the one before it is settled: a receiver that fails holds up what comes after. Of \
            --in-flight, `default` is TALLYD_WEBHOOK_ENDPOINT_IN_FLIGHT; of --rate, no limit. `tallyd webhooks endpoints` shows what is set.

            EXAMPLES
              tallyd webhooks set w1 --format cloudevents
              tallyd webhooks set w1 --ordered
              tallyd webhooks set w1 --in-flight 2 --rate 10
              tallyd webhooks set w1 --in-flight default --rate default
            """)

    enum Order: String, EnumerableFlag {
        case ordered, unordered

        static func help(for value: Order) -> ArgumentHelp? {
            value == .ordered ? "One message at a time, in the order of the events." : "As many as its limits allow."
        }
    }

    @Argument(help: "The endpoint's id.") var endpoint: String
    @Option(
        help: ArgumentHelp("Bodies as Standard Webhooks has them, or in CloudEvents' envelope.", valueName: "format"))
    var format: EndpointRecord.Format?
    @Flag var order: Order?
    @Option(
        help: ArgumentHelp("Messages at once, 1 to 1000, or default.", valueName: "number"),
        transform: Limit<Int>.inFlight)
    var inFlight: Limit<Int>?
    @Option(
        help: ArgumentHelp("Messages a second, 0.001 to 100000, or default for no limit.", valueName: "number"),
        transform: Limit<Double>.rate)
    var rate: Limit<Double>?
    @OptionGroup var options: DatabaseOptions
    @Flag(help: .jsonHelp) var json = false

    func validate() throws {
        guard format != nil || order != nil || inFlight != nil || rate != nil else {
            throw ValidationError("nothing to set: give --format, --ordered or --unordered, --in-flight or --rate.")
        }
    }

    func run() async throws {
        let database = try await UsageDatabase.open(options)
        var wishes = Outbox.Wishes()
        wishes.format = format
        wishes.isOrdered = order.map { $0 == .ordered }
        wishes.maxInFlight = inFlight.map(\.value)
        wishes.ratePerSecond = rate.map(\.value)
        guard try await Outbox(store: database.store).setWishes(wishes, of: endpoint),
            let after = try await OutboxReport(store: database.store).endpoints(endpoint: endpoint).first
        else { throw ValidationError.noEndpoint(endpoint) }
        print(json ? try after.json(now: WallClock.now()).text() : Self.sentence(after))
    }

    static func sentence(_ endpoint: OutboxReport.Endpoint) -> String {
        let record = endpoint.record ?? EndpointRecord()
        return [
            "\(endpoint.id.printable): \(record.format.rawValue)", record.isOrdered ? "ordered" : "unordered",
            "in flight \(record.maxInFlight.map { "\($0)" } ?? "default")", record.rateText ?? "no limit of rate",
        ].joined(separator: ", ")
    }
}

extension EndpointRecord.Format: ExpressibleByArgument {}

/// A limit of one endpoint's own, or none.
struct Limit<Value: Sendable>: Sendable {
    /// Nil for the setting's.
    let value: Value?

    @Sendable static func inFlight(_ text: String) throws -> Limit<Int> {
        guard text != "default" else { return Limit<Int>(value: nil) }
        guard let number = Int(text), (1...1_000).contains(number) else {
            throw ValidationError("it is no whole number from 1 to 1000, and not default.")
        }
        return Limit<Int>(value: number)
    }

    @Sendable static func rate(_ text: String) throws -> Limit<Double> {
        guard text != "default" else { return Limit<Double>(value: nil) }
        guard let number = Double(text), (0.001...100_000).contains(number) else {
            throw ValidationError("it is no number from 0.001 to 100000, and not default.")
        }
        return Limit<Double>(value: number)
    }
}
