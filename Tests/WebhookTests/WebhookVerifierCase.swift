import Foundation
import Scheduling

@testable import Webhooks

/// A signed message whose parts a test may change before it is verified.
struct WebhookVerifierCase {
    var headers: WebhookVerifier.Headers
    var body: [UInt8]
    var now = Instant(milliseconds: 1_614_265_330_000)

    init(secret: WebhookSecret, former: [WebhookSecret] = [], body: [UInt8] = Array("{}".utf8)) throws {
        let signature = try WebhookSignature(
            id: MessageID("msg_1"), timestamp: 1_614_265_330, body: body, secret: secret, former: former)
        headers = .init(id: "msg_1", timestamp: "1614265330", signature: signature.description)
        self.body = body
    }

    func verdict(under keys: WebhookVerifier.Key..., tolerance: Duration = .seconds(300)) -> WebhookVerifier.Verdict {
        WebhookVerifier(keys: keys, tolerance: tolerance).verdict(on: headers, body: body, at: now)
    }
}
