package import Scheduling

/// What a response's head means for a delivery and its endpoint. Standard Webhooks 1.0.0, "Delivery success and failure".
package enum ResponseVerdict: Hashable, Sendable {
    /// 2xx.
    case delivered
    /// Try again by the schedule.
    case failed(Failure)
    /// 410: the endpoint wants no messages any more.
    case gone
    /// 429, 502, 503, 504: a failure, after which nothing goes to the endpoint for a while.
    ///
    /// - Parameter wait: what Retry-After asked for; nil where it was missing or unreadable.
    case throttled(wait: Duration?)

    package enum Failure: String, Sendable {
        /// 3xx, also 304. No redirect is followed: where it leads was not judged.
        case redirect
        case clientError = "client_error"
        case serverError = "server_error"
        /// Below 200, or above 599: no final status that HTTP has (RFC 9110 section 15).
        case oddStatus = "odd_status"
    }

    /// - Parameter retryAfter: the header as it came; read only where the status throttles.
    package init(status: Int, retryAfter: String?, at now: Instant) {
        switch status {
        case 200...299: self = .delivered
        case 300...399: self = .failed(.redirect)
        case 410: self = .gone
        case 429, 502, 503, 504: self = .throttled(wait: retryAfter.flatMap { RetryAfter.wait($0, at: now) })
        case 400...499: self = .failed(.clientError)
        case 500...599: self = .failed(.serverError)
        default: self = .failed(.oddStatus)
        }
    }
}
