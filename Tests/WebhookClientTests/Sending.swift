import NIOCore
import Synchronization
import Testing
import Webhooks

@testable import WebhookClient

/// One after the other: their deadlines are short, and the machine has others to serve.
@Suite(.serialized) struct `Sending a webhook` {}

/// Lets everything through that tests deliver to.
func loopbackPolicy() -> AddressPolicy {
    var policy = AddressPolicy()
    policy.allowed.blocks = [CIDR(of: .v4(0x7F00_0000), prefix: 8)]
    return policy
}

/// With a client that is shut down whatever the body does.
func withClient<Value>(
    _ configuration: WebhookClient.Configuration = WebhookClient.Configuration(),
    resolver: any HostResolving = FakeResolver.loopback,
    policy: @escaping @Sendable () -> AddressPolicy = loopbackPolicy,
    _ body: (WebhookClient) async throws -> Value
) async throws -> Value {
    let client = try WebhookClient(configuration, resolver: resolver, policy: policy)
    do {
        let value = try await body(client)
        await client.shutdown()
        return value
    } catch {
        await client.shutdown()
        throw error
    }
}

/// A message with a body, so that all phases are told apart.
func message(
    _ url: String, headers: [(name: String, value: String)] = [], body: String = "{}", deadline: Duration = .seconds(20)
) throws -> WebhookRequest {
    WebhookRequest(
        url: try DeliveryURL(url, allowingHTTP: true), headers: headers, body: Array(body.utf8), deadline: deadline)
}

extension SendOutcome {
    var response: WebhookResponse? { try? result.get() }

    var failure: SendFailure? {
        if case .failure(let failure) = result { failure } else { nil }
    }
}

/// Sends one message to a receiver that answers every request with these steps.
func outcome(
    of steps: HostileReceiver.Step..., deadline: Duration = .seconds(20)
) async throws -> (SendOutcome, HostileReceiver.Seen) {
    try await HostileReceiver.with(HostileReceiver { _ in steps }) { receiver in
        try await withClient { client in
            let outcome = await client.send(
                try message("http://receiver.example:\(receiver.port)/hook", deadline: deadline))
            return (outcome, receiver.seen)
        }
    }
}
