package import Webhooks

/// One message to one endpoint, once.
package struct WebhookRequest: Sendable {
    package enum Method: String, Sendable {
        case post = "POST"
        /// The question of `DeliveryConsent`; goes without a body.
        case options = "OPTIONS"
    }

    package var url: DeliveryURL
    package var method: Method
    /// Without Host and Content-Length, which follow from the rest.
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]
    /// Over everything: resolving, connecting, TLS, the request, the response's head and its body.
    package var deadline: Duration

    package init(
        url: DeliveryURL, method: Method = .post, headers: [(name: String, value: String)] = [], body: [UInt8] = [],
        deadline: Duration = .seconds(15)
    ) {
        self.url = url
        self.method = method
        self.headers = headers
        self.body = body
        self.deadline = deadline
    }
}
