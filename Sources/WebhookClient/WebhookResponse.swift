package import Webhooks

/// What an endpoint answered, cut to what a row may hold.
package struct WebhookResponse: Sendable {
    /// As it came, also one that HTTP does not have; `ResponseVerdict` judges it.
    package let status: Int
    /// The status line and the headers, a line each, at most `longestHead` bytes; values that may be secrets are left out.
    package let head: String
    /// The first `longestBody` bytes as they came: never decompressed, of any encoding or none.
    package let body: [UInt8]
    /// Whether the body had more bytes than are kept here.
    package let isBodyCut: Bool
    /// `HTTP/1.1` or `HTTP/2`.
    package let version: String
    /// Where it came from.
    package let address: IPAddress

    /// Headers that are acted upon; the first of several, nil for none.
    package let retryAfter: String?
    package let allowedOrigin: String?
    package let allowedRate: String?

    package static let longestHead = 16 * 1_024
    package static let longestBody = 4 * 1_024
    /// How much of a body is read. Where more comes, the connection is closed; what came before counts.
    package static let mostRead = 64 * 1_024
}

/// One attempt: what came of it, and how long it took.
package struct SendOutcome: Sendable {
    package let result: Result<WebhookResponse, SendFailure>
    /// From the call to the end of the body, or to the failure.
    package let duration: Duration
}
