package import Scheduling

/// How an endpoint is doing: a state machine that is fed the outcome of every attempt and says whether the next may go.
/// Its parts are what a row holds, so that a restart forgets nothing.
///
///     enabled ──410──────────────────► disabled(gone) ◄─────────┐
///        │ ▲                                                    │410
///        │ └─────── success of a probe ──┐                      │
///        └─ nothing but failures ──► disabled(failing) ── probes, ever more seldom
///
/// Within enabled, the breaker spares the endpoint. Only `enable` leaves gone and switched off.
package struct EndpointHealth: Hashable, Sendable {
    package enum Standing: Hashable, Sendable {
        case enabled
        /// - Parameter nextProbe: nil for none.
        case disabled(Cause, since: Instant, nextProbe: Instant?)
    }

    package enum Cause: String, Sendable {
        case failing, gone
        case switchedOff = "switched_off"
    }

    /// What may go to the endpoint now.
    package enum Admission: Hashable, Sendable {
        case send
        /// One attempt, whose success enables the endpoint again.
        case probe
        case wait(until: Instant)
        /// An attempt is under way that decides; its outcome says when.
        case waitForOutcome
        case never(Cause)
    }

    package enum Outcome: Hashable, Sendable {
        case delivered
        case failed
        /// - Parameter wait: from the response; nil for the policy's.
        case throttled(wait: Duration?)
        case gone
        /// No outcome: the process stopped, or the attempt was not made after all.
        case abandoned
    }

    /// What to record and to tell, beside the state itself.
    package enum Change: Hashable, Sendable {
        case breakerOpened(until: Instant)
        case breakerClosed
        case disabled(Cause)
        case enabled
    }

    package var standing: Standing
    package var breaker: CircuitBreaker
    /// The first failure since the last success; nil when there was none.
    package var failingSince: Instant?
    /// Attempts that failed since then.
    package var failedAttempts: Int
    /// Probes that failed since it was disabled.
    package var failedProbes: Int
    /// Whether a probe is under way. Not for a row: see `resume`.
    package var isProbing = false

    package init(
        standing: Standing = .enabled, breaker: CircuitBreaker = CircuitBreaker(), failingSince: Instant? = nil,
        failedAttempts: Int = 0, failedProbes: Int = 0
    ) {
        self.standing = standing
        self.breaker = breaker
        self.failingSince = failingSince
        self.failedAttempts = failedAttempts
        self.failedProbes = failedProbes
    }

    package func admission(at now: Instant) -> Admission {
        switch standing {
        case .disabled(let cause, _, let nextProbe):
            guard let nextProbe else { return .never(cause) }
            if isProbing { return .waitForOutcome }
            return nextProbe <= now ? .probe : .wait(until: nextProbe)
        case .enabled:
            guard let next = breaker.nextAttempt(at: now) else { return .waitForOutcome }
            return next <= now ? .send : .wait(until: next)
        }
    }

    /// Called for every attempt that goes, after `admission` said `send` or `probe`.
    package mutating func begin() {
        switch standing {
        case .enabled: breaker.begin()
        case .disabled: isProbing = true
        }
    }

    /// After a restart, in which whatever was under way was lost: the next attempt decides in its place.
    package mutating func resume(at now: Instant) {
        isProbing = false
        breaker.abandon(at: now)
    }

    /// Enables it again with a clean slate, as an operator asks for.
    package mutating func enable() {
        self = EndpointHealth()
    }

    /// Disables it until `enable`, whatever the attempts under way bring.
    package mutating func switchOff(at now: Instant) {
        standing = .disabled(.switchedOff, since: now, nextProbe: nil)
        isProbing = false
    }
}
