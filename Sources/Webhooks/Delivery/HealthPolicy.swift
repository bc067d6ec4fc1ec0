package import Scheduling

/// When an endpoint is spared, given up and tried again.
package struct HealthPolicy: Hashable, Sendable {
    /// Disabled once nothing but failures came for this long; nil for never.
    package var disableAfter: Duration?
    /// And once that many attempts failed in that time: one message with ten retries is not enough to go by, nor is a
    /// clock that jumped.
    package var disableAttempts: Int
    /// Failures in a row that open the breaker.
    package var breakerThreshold: Int
    package var breakerWait: Backoff
    /// For a throttling response without Retry-After.
    package var throttleWait: Duration
    /// Between two probes of an endpoint that was disabled for its failures; nil for none.
    package var probe: Backoff?

    package init(
        disableAfter: Duration?, disableAttempts: Int, breakerThreshold: Int, breakerWait: Backoff,
        throttleWait: Duration, probe: Backoff?
    ) {
        self.disableAfter = disableAfter
        self.disableAttempts = disableAttempts
        self.breakerThreshold = breakerThreshold
        self.breakerWait = breakerWait
        self.throttleWait = throttleWait
        self.probe = probe
    }

    /// Five days, longer than a whole standard schedule of retries takes.
    package static let standard = HealthPolicy(
        disableAfter: .seconds(5 * 86_400), disableAttempts: 20, breakerThreshold: 5,
        breakerWait: Backoff(first: .seconds(5), cap: .seconds(600)), throttleWait: .seconds(30),
        probe: Backoff(first: .seconds(3_600), cap: .seconds(86_400)))
}
