import Foundation
import Scheduling
import Storage
import WebhookClient
import Webhooks

/// What is to happen with a delivery, decided from what was read of it: a pure value.
enum PreparedDelivery {
    case send(Prepared)
    /// Nothing can be sent, now or later.
    case dead(reason: String)
    /// Nothing is sent until somebody says that the endpoint's new url is meant.
    case hold

    struct Prepared: Sendable {
        let request: WebhookRequest
        /// Whether the receiver is to be asked first, and what.
        let consent: DeliveryConsent?
        /// A host that is an address: refused once, it is refused for ever.
        let isAddress: Bool
    }

    /// What does not depend on the delivery.
    struct Terms {
        let allowsHTTP: Bool
        let timeout: Duration
        /// Of CloudEvents.
        let source: String
        /// A DNS name, which CloudEvents' receivers know the sender by.
        let origin: String
    }

    static let userAgent = "tallyd/1.0 (standard-webhooks)"

    /// - Parameter record: of the endpoint, after it has taken in its present url and secret.
    init(_ message: OutboxMessage?, _ endpoint: OutboxEndpoint?, _ record: EndpointRecord, _ terms: Terms, now: Instant)
    {
        guard let endpoint else {
            self = .dead(reason: "endpoint_deleted")
            return
        }
        guard let message else {
            self = .dead(reason: "event_missing")
            return
        }
        guard endpoint.isActive else {
            self = .dead(reason: "endpoint_inactive")
            return
        }
        guard let text = endpoint.url else {
            self = .dead(reason: "url_null")
            return
        }
        guard !record.isURLChanged else {
            self = .hold
            return
        }
        do {
            let url = try DeliveryURL(text, allowingHTTP: terms.allowsHTTP)
            self = .send(try Self.prepare(message, to: url, secret: endpoint.secret, record, terms, now: now))
        } catch {
            // The cryptographic library has no failures of its own for keys that were read.
            self = .dead(reason: (error as? Defect)?.name ?? "signature_failed")
        }
    }

    private static func prepare(
        _ message: OutboxMessage, to url: DeliveryURL, secret: String?, _ record: EndpointRecord, _ terms: Terms,
        now: Instant
    ) throws -> Prepared {
        let id = try Webhooks.MessageID(message.id)
        let type = try EventType(message.type)
        var contentType = "application/json"
        var text = message.payload
        var consent: DeliveryConsent?
        if record.format == .cloudEvents {
            text =
                try CloudEvent(id: id, type: type, source: terms.source, time: message.createdAt, data: message.payload)
                .body
            contentType = CloudEvent.contentType
            consent = try DeliveryConsent(origin: terms.origin)
        }
        let body = Array(text.utf8)
        let seconds = now.milliseconds / 1_000
        var headers = [
            (name: "content-type", value: contentType), ("user-agent", userAgent), ("webhook-id", id.description),
            ("webhook-timestamp", String(seconds)),
        ]
        if let secret {
            // One that overlaps and can't be read was replaced for a reason, and must not keep the new one from signing.
            let former = record.former.filter { $0.until > now }.compactMap { try? WebhookSecret($0.secret) }
            let signature = try WebhookSignature(
                id: id, timestamp: seconds, body: body, secret: try WebhookSecret(secret), former: former)
            headers.append(("webhook-signature", signature.description))
        }
        if let consent { headers.append((DeliveryConsent.originHeader, consent.origin)) }
        var isAddress = false
        if case .address = url.host { isAddress = true }
        return Prepared(
            request: WebhookRequest(url: url, headers: headers, body: body, deadline: terms.timeout), consent: consent,
            isAddress: isAddress)
    }
}
