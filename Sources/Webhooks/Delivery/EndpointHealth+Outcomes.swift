package import Scheduling

extension EndpointHealth {
    /// Takes in how an attempt ended.
    ///
    /// - Parameters:
    ///   - now: when it ended. Where the clock went back since the first failure, that failure counts as of now.
    ///   - jitter: 0 to 1.
    package mutating func record(
        _ outcome: Outcome, at now: Instant, policy: HealthPolicy, jitter: Double
    ) -> [Change] {
        guard case .disabled(let cause, let since, let nextProbe) = standing else {
            return recordEnabled(outcome, at: now, policy: policy, jitter: jitter)
        }
        // Attempts that were under way when it was disabled count as well: a success is a success.
        isProbing = false
        switch (outcome, cause) {
        case (.delivered, .failing):
            enable()
            return [.enabled]
        case (.gone, .failing):
            standing = .disabled(.gone, since: since, nextProbe: nil)
            return [.disabled(.gone)]
        case (.failed, .failing), (.throttled, .failing):
            count(at: now)
            // Those late ones must not push the probe away, which would end the probing under load.
            guard let nextProbe, nextProbe <= now else { return [] }
            failedProbes += 1
            standing = .disabled(
                .failing, since: since, nextProbe: policy.nextProbe(failedProbes, now, jitter, outcome))
            return []
        case (.abandoned, _), (_, .gone), (_, .switchedOff): return []
        }
    }

    private mutating func recordEnabled(
        _ outcome: Outcome, at now: Instant, policy: HealthPolicy, jitter: Double
    ) -> [Change] {
        let before = breaker.state
        switch outcome {
        case .delivered:
            enable()
            return before == .closed ? [] : [.breakerClosed]
        case .abandoned:
            breaker.abandon(at: now)
            return []
        case .gone:
            standing = .disabled(.gone, since: now, nextProbe: nil)
            return [.disabled(.gone)]
        case .failed:
            breaker.fail(at: now, threshold: policy.breakerThreshold, wait: policy.breakerWait, jitter: jitter)
        case .throttled(let wait):
            breaker.open(until: now.advanced(by: max(wait ?? policy.throttleWait, .zero)))
        }
        count(at: now)
        if let limit = policy.disableAfter, let first = failingSince, now.since(first) >= limit,
            failedAttempts >= policy.disableAttempts
        {
            failedProbes = 0
            standing = .disabled(.failing, since: now, nextProbe: policy.nextProbe(1, now, jitter, outcome))
            breaker = CircuitBreaker()
            return [.disabled(.failing)]
        }
        guard case .open(let until) = breaker.state, breaker.state != before else { return [] }
        return [.breakerOpened(until: until)]
    }

    private mutating func count(at now: Instant) {
        failingSince = min(failingSince ?? now, now)
        failedAttempts = failedAttempts.addingReportingOverflow(1).partialValue
    }
}

extension HealthPolicy {
    /// Nil where there are no probes; never before a receiver's own wait is over.
    fileprivate func nextProbe(
        _ failures: Int, _ now: Instant, _ jitter: Double, _ outcome: EndpointHealth.Outcome
    ) -> Instant? {
        guard let probe else { return nil }
        var wait = probe.delay(afterFailures: failures, jitter: jitter)
        if case .throttled(let asked?) = outcome { wait = max(wait, asked) }
        return now.advanced(by: wait)
    }
}
