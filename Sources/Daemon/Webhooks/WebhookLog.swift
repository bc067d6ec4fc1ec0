import Logging
import Scheduling
import Webhooks

/// What the log has of deliveries and of how endpoints are doing: every line of it, with what to do.
struct WebhookLog {
    private let logger: Logger
    private var dead = DeadLetters()

    init(_ logger: Logger) { self.logger = logger }

    func disabled(_ endpoint: String, _ cause: EndpointHealth.Cause) {
        logger.warning(
            "disabled a webhook endpoint",
            metadata: [
                "message_id": "\(MessageID.endpointDisabled)", "endpoint": "\(endpoint)", "cause": "\(cause.rawValue)",
                "remedy":
                    "see `tallyd webhooks attempts --endpoint \(endpoint)`, then `tallyd webhooks enable \(endpoint)`",
            ])
    }

    func urlChanged(_ endpoint: String) {
        logger.warning(
            "a webhook endpoint waits: its url changed and its secret did not",
            metadata: [
                "message_id": "\(MessageID.endpointDisabled)", "endpoint": "\(endpoint)", "cause": "url_changed",
                "remedy": "if that is meant, `tallyd webhooks enable \(endpoint)`",
            ])
    }

    func enabled(_ endpoint: String) {
        logger.notice("enabled a webhook endpoint again", metadata: ["endpoint": "\(endpoint)"])
    }

    func held(_ endpoint: String, until instant: Instant) {
        logger.info("a webhook endpoint is held", metadata: ["endpoint": "\(endpoint)", "until": "\(instant)"])
    }

    func answersAgain(_ endpoint: String) {
        logger.info("a webhook endpoint answers again", metadata: ["endpoint": "\(endpoint)"])
    }

    /// Of attempts whose claim was another's by then.
    func tooLate(_ count: Int) {
        logger.warning("outcomes of webhooks came too late", metadata: ["count": "\(count)"])
    }

    /// To be told of by `deadLetters`.
    mutating func note(dead reason: String, _ count: Int = 1) { dead.add(reason, count) }

    /// A line of what was given up since the last one, if it is time for one.
    mutating func deadLetters(at now: Duration, isLast: Bool = false) {
        guard let (count, reasons) = dead.take(at: now, isLast: isLast) else { return }
        logger.warning(
            "gave up webhooks",
            metadata: [
                "message_id": "\(MessageID.webhooksGivenUp)", "count": "\(count)", "reasons": "\(reasons)",
                "remedy": "see `tallyd webhooks dead`",
            ])
    }
}
