import Foundation
import Scheduling
import Synchronization
import Testing
import WebhookReceiver
import Webhooks

/// A receiver in the test's own process, and what it told of.
struct ReceiverInTest: Sendable {
    static let now = Instant(milliseconds: 1_795_561_385_700)

    let port: Int
    private let log: Log

    var requests: [ReceivedRequest] { log.requests.withLock { $0 } }

    private final class Log: Sendable {
        let requests = Mutex<[ReceivedRequest]>([])
    }

    /// Stops it whatever the body does.
    static func with(
        keys: [WebhookVerifier.Key] = [], manner: WebhookReceiver.Manner = .init(),
        _ body: (ReceiverInTest) async throws -> Void
    ) async throws {
        let log = Log()
        let receiver = WebhookReceiver(
            verifier: keys.isEmpty ? nil : WebhookVerifier(keys: keys), manner: manner, now: { now },
            report: { request in log.requests.withLock { $0.append(request) } })
        let (ports, continuation) = AsyncStream<Int>.makeStream()
        try await withThrowingTaskGroup { group in
            group.addTask {
                defer { continuation.finish() }
                try await receiver.run(host: "127.0.0.1", port: 0) { continuation.yield($0) }
            }
            for await port in ports {
                try await body(ReceiverInTest(port: port, log: log))
                break
            }
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    /// As a sender signs.
    static func headers(
        _ body: String, secret: WebhookSecret, id: String = "evt_1", at seconds: Int64 = now.milliseconds / 1_000
    ) throws -> [String: String] {
        let signature = try WebhookSignature(
            id: try MessageID(id), timestamp: seconds, body: Data(body.utf8), secret: secret)
        return ["webhook-id": id, "webhook-timestamp": "\(seconds)", "webhook-signature": signature.description]
    }
}
