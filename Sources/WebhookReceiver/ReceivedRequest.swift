package import Scheduling
package import Webhooks

/// What the receiver has got, as far as it looks into it. Texts are what strangers sent: to be made printable before they are printed.
package struct ReceivedRequest: Sendable, Equatable {
    package enum Content: Sendable, Equatable {
        /// A message, and what became of it.
        case message(Check)
        /// CloudEvents' question whether messages may come, from that origin. HTTP 1.1 Web Hooks 1.0.2, section 4.
        case handshake(origin: String?)
        /// What is neither, or too large to be read.
        case refused(String)
    }

    package enum Check: Sendable, Equatable {
        /// - Parameter key: the index of the key that fits.
        case verified(key: Int)
        case refused(WebhookVerifier.Refusal)
        /// The receiver has no key.
        case unchecked
    }

    package let receivedAt: Instant
    package let content: Content
    /// The webhook-id header.
    package let id: String?
    /// The `type` of the body where it is a JSON object that has one.
    package let type: String?
    package let isCloudEvent: Bool
    package let bytes: Int
    /// By the webhook-timestamp header; nil where that is no number of seconds. Negative for one in the future.
    package let age: Duration?
    /// Of the response.
    package let status: Int
}
