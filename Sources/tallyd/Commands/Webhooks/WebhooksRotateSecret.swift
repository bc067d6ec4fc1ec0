import ArgumentParser
import Scheduling
import Storage
import Webhooks

/// `tallyd webhooks rotate-secret`.
struct WebhooksRotateSecret: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate-secret", abstract: "Make an endpoint a new secret, and print what its receiver needs.",
        discussion: """
            Printed once: the new secret, or with --ed25519 the public key alone, on standard output; what is said of it goes to standard \
            error. For the overlap each message is signed with both, so that the receiver can change over at any time within it; of former \
            secrets the newest 8 sign. It also takes the present url for the one that the secret is for.

            EXAMPLES
              tallyd webhooks rotate-secret w1 > key               which `webhooks listen --secret-file key` reads
              tallyd webhooks rotate-secret w1 --ed25519 --overlap 7d
              tallyd webhooks rotate-secret w1 --overlap none      the old one leaked: it signs nothing more
            """)

    @Argument(help: "The endpoint's id.") var endpoint: String
    @Flag(name: .customLong("ed25519"), help: "A key pair (v1a), whose private half stays in the database.")
    var isEd25519 = false
    @Option(
        help: ArgumentHelp(
            "How long the old one signs, too: 24h unless said, up to 90d, or none, which also ends the overlap of earlier ones.",
            valueName: "duration"), transform: Self.overlap)
    var overlap: Duration = .seconds(86_400)
    @OptionGroup var options: DatabaseOptions
    @Flag(help: .jsonHelp) var json = false

    private static let longestOverlap = Duration.seconds(90 * 86_400)

    @Sendable private static func overlap(_ text: String) throws -> Duration {
        guard text != "none" else { return .zero }
        guard let duration = try? DurationText.parse(text), duration <= longestOverlap else {
            throw ValidationError("it is no duration up to 90d, such as 24h, and not none.")
        }
        return duration
    }

    func run() async throws {
        let database = try await UsageDatabase.open(options)
        var system = SystemRandomNumberGenerator()
        let random = (0..<WebhookSecret.generatedBytes).map { _ in UInt8.random(in: .min ... .max, using: &system) }
        let secret = try WebhookSecret.generate(isEd25519 ? .ed25519 : .hmacSHA256, from: random)
        let now = WallClock.now()
        let end = now.advanced(by: overlap)
        let report = OutboxReport(store: database.store)
        guard let before = try await report.endpoints(endpoint: endpoint).first,
            try await Outbox(store: database.store).rotateSecret(
                endpoint, to: secret.serialized, overlapEnd: end, now: now),
            let after = try await report.endpoints(endpoint: endpoint).first
        else { throw ValidationError.noEndpoint(endpoint) }
        let key = secret.publicKey?.description
        let overlapEnd = after.record?.former.first { $0.until == end && end > now }?.until
        guard !json else {
            print(
                try JSONValue.object([
                    "endpoint": .string(endpoint), "scheme": .string(secret.scheme.rawValue),
                    "secret": JSONValue(key == nil ? secret.serialized : nil), "public_key": JSONValue(key),
                    "overlap_until": JSONValue(overlapEnd),
                ]).text())
            return
        }
        print(key ?? secret.serialized)
        let kind = key == nil ? "its new secret, shown this once" : "the public key of its new secret"
        Terminal.complain("\(endpoint.printable): this is \(kind); \(Self.sentence(before, until: overlapEnd))")
    }

    private static func sentence(_ before: OutboxReport.Endpoint, until overlapEnd: Instant?) -> String {
        switch before.secret {
        case .none: "it had none before"
        case .malformed(let defect): "the old one signs nothing, as it \(defect.reason)"
        case .usable: overlapEnd.map { "the old one signs, too, until \($0)" } ?? "the old one signs nothing more"
        }
    }
}
