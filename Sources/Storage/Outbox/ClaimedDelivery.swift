package import Scheduling

/// A delivery that this process may attempt, and nobody else until it has written what came of it or is gone.
package struct ClaimedDelivery: Sendable, Hashable {
    package let id: Int64
    package let event: Int64
    package let endpoint: String
    /// Named by every later write: once the claim is another's, such a write changes nothing.
    package let claim: Int64
    /// Attempts made so far, of all times.
    package var attempt: Int
    /// Of them, those that failed since the delivery was queued or replayed: where it stands in the schedule of retries.
    package var retry: Int

    package init(id: Int64, event: Int64, endpoint: String, claim: Int64, attempt: Int, retry: Int) {
        self.id = id
        self.event = event
        self.endpoint = endpoint
        self.claim = claim
        self.attempt = attempt
        self.retry = retry
    }
}

/// One attempt as its row tells it. No part of it holds a secret, a url's query or a request header.
package struct AttemptRecord: Sendable {
    package var startedAt: Instant
    package var duration: Duration
    /// Nil where there was no response.
    package var status: Int?
    /// The failure's stable name; nil: it was delivered.
    package var reason: String?
    package var error: String?
    package var address: String?
    package var head: String?
    package var body: [UInt8]?

    package init(
        startedAt: Instant, duration: Duration, status: Int? = nil, reason: String? = nil, error: String? = nil,
        address: String? = nil, head: String? = nil, body: [UInt8]? = nil
    ) {
        self.startedAt = startedAt
        self.duration = duration
        self.status = status
        self.reason = reason
        self.error = error
        self.address = address
        self.head = head
        self.body = body
    }
}

/// What is to become of a claimed delivery.
package struct DeliveryOutcome: Sendable {
    package enum Settlement: Sendable, Equatable {
        case delivered
        /// Given back, to be attempted at that time by whoever claims it then.
        case retry(at: Instant)
        /// Still claimed, to be attempted again by this process: of an endpoint that keeps its order.
        case keep
        case dead(reason: String)
    }

    package let delivery: ClaimedDelivery
    /// Nil where none was made.
    package let attempt: AttemptRecord?
    package let settlement: Settlement

    package init(_ delivery: ClaimedDelivery, _ attempt: AttemptRecord?, _ settlement: Settlement) {
        self.delivery = delivery
        self.attempt = attempt
        self.settlement = settlement
    }

    /// What it holds of a response.
    package var bytes: Int { (attempt?.head?.utf8.count ?? 0) + (attempt?.body?.count ?? 0) }
}
