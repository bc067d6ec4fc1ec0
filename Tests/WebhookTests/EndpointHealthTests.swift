import Scheduling
import TestSupport
import Testing

@testable import Webhooks

@Suite struct `Endpoint health` {
    private static let policy = HealthPolicy(
        disableAfter: .seconds(1_000), disableAttempts: 6, breakerThreshold: 3,
        breakerWait: Backoff(first: .seconds(10), cap: .seconds(40)), throttleWait: .seconds(30),
        probe: Backoff(first: .seconds(100), cap: .seconds(400)))

    /// Seconds after 1970, and no jitter.
    private struct Run {
        var health = EndpointHealth()
        var policy = `Endpoint health`.policy

        mutating func record(_ outcome: EndpointHealth.Outcome, at second: Int64) -> [EndpointHealth.Change] {
            health.record(outcome, at: .second(second), policy: policy, jitter: 0.5)
        }

        /// An attempt that is admitted, and its outcome at once.
        mutating func attempt(_ outcome: EndpointHealth.Outcome, at second: Int64) -> [EndpointHealth.Change] {
            #expect([.send, .probe].contains(health.admission(at: .second(second))))
            health.begin()
            return record(outcome, at: second)
        }

        func admission(at second: Int64) -> EndpointHealth.Admission { health.admission(at: .second(second)) }
    }

    @Test func `the breaker opens after failures in a row, lets one through, and waits longer each time`() {
        var run = Run()
        #expect(run.attempt(.failed, at: 0) == [])
        #expect(run.attempt(.failed, at: 1) == [])
        #expect(run.attempt(.failed, at: 2) == [.breakerOpened(until: .second(12))])
        #expect(run.admission(at: 11) == .wait(until: .second(12)))
        run.health.begin(at: 12)
        #expect(run.admission(at: 12) == .waitForOutcome)
        #expect(run.record(.failed, at: 13) == [.breakerOpened(until: .second(33))])
        #expect(run.attempt(.failed, at: 33) == [.breakerOpened(until: .second(73))])
        #expect(run.attempt(.failed, at: 73) == [.breakerOpened(until: .second(113))])
        #expect(run.attempt(.delivered, at: 113) == [.breakerClosed])
        #expect(run.health == EndpointHealth())
    }

    @Test func `a success between failures starts the count anew`() {
        var run = Run()
        for second in 0..<100 {
            #expect(run.attempt(second % 3 == 2 ? .delivered : .failed, at: Int64(second)) == [])
        }
    }

    @Test func `attempts that were under way when it opened do not open it further`() {
        var run = Run()
        for second in 0..<3 as Range<Int64> { _ = run.attempt(.failed, at: second) }
        let opened = run.health.breaker.state
        #expect(run.record(.failed, at: 5) == [])
        #expect(run.health.breaker.state == opened)
        #expect(run.record(.delivered, at: 6) == [.breakerClosed])
    }

    @Test func `throttling spares the endpoint for as long as it asks, and is no failure for the breaker`() {
        var run = Run()
        #expect(run.attempt(.throttled(wait: .seconds(7)), at: 0) == [.breakerOpened(until: .second(7))])
        #expect(run.record(.throttled(wait: .seconds(2)), at: 1) == [])
        #expect(run.admission(at: 6) == .wait(until: .second(7)))
        #expect(run.attempt(.throttled(wait: nil), at: 7) == [.breakerOpened(until: .second(37))])
        #expect(run.health.breaker.failures == 0)
        #expect(run.attempt(.delivered, at: 37) == [.breakerClosed])
    }

    @Test func `an abandoned attempt leaves the deciding to the next`() {
        var run = Run()
        for second in 0..<3 as Range<Int64> { _ = run.attempt(.failed, at: second) }
        run.health.begin(at: 12)
        #expect(run.record(.abandoned, at: 14) == [])
        #expect(run.admission(at: 14) == .send)
        #expect(run.health.failedAttempts == 3)
    }

    @Test func `after a restart nothing is waited for that was lost`() {
        var run = Run()
        for second in 0..<3 as Range<Int64> { _ = run.attempt(.failed, at: second) }
        run.health.begin(at: 12)
        #expect(run.admission(at: 13) == .waitForOutcome)
        run.health.resume(at: .second(14))
        #expect(run.admission(at: 14) == .send)
        run = Run(health: EndpointHealth(standing: .disabled(.failing, since: .second(0), nextProbe: .second(100))))
        run.health.begin()
        run.health.resume(at: .second(101))
        #expect(run.admission(at: 101) == .probe)
        run = Run()
        run.health.resume(at: .second(1))
        #expect(run.health == EndpointHealth())
    }

    @Test func `nothing but failures for the whole time disables it, not one attempt or one second sooner`() {
        var run = Run()
        run.policy.breakerThreshold = .max
        for second in [0, 200, 400, 600, 800, 999] as [Int64] { #expect(run.attempt(.failed, at: second) == []) }
        #expect(run.attempt(.throttled(wait: .zero), at: 1_000) == [.disabled(.failing)])
        #expect(run.admission(at: 1_000) == .wait(until: .second(1_100)))

        run = Run()
        run.policy.breakerThreshold = .max
        for second in [0, 1, 2, 3, 5_000] as [Int64] { #expect(run.attempt(.failed, at: second) == []) }
        #expect(run.attempt(.failed, at: 5_001) == [.disabled(.failing)])

        run = Run()
        run.policy.disableAfter = nil
        run.policy.breakerThreshold = .max
        for second in 0..<5_000 as Range<Int64> { #expect(run.attempt(.failed, at: second) == []) }
    }

    @Test func `a disabled endpoint is probed ever more seldom, and a success enables it`() {
        var run = Run(health: EndpointHealth(standing: .disabled(.failing, since: .second(0), nextProbe: .second(100))))
        #expect(run.admission(at: 99) == .wait(until: .second(100)))
        #expect(run.admission(at: 100) == .probe)
        run.health.begin()
        #expect(run.admission(at: 101) == .waitForOutcome)
        #expect(run.record(.failed, at: 110) == [])
        #expect(run.admission(at: 110) == .wait(until: .second(210)))
        #expect(run.attempt(.failed, at: 210) == [])
        #expect(run.attempt(.throttled(wait: .seconds(900)), at: 410) == [])
        #expect(run.admission(at: 411) == .wait(until: .second(1_310)))
        run.health.begin()
        #expect(run.record(.abandoned, at: 1_310) == [])
        #expect(run.attempt(.delivered, at: 1_310) == [.enabled])
        #expect(run.health == EndpointHealth())
    }

    @Test func `without probes it stays disabled until it is enabled`() {
        var run = Run()
        run.policy.probe = nil
        run.policy.breakerThreshold = .max
        for second in stride(from: 0, through: 1_000, by: 200) as StrideThrough<Int64> {
            _ = run.attempt(.failed, at: second)
        }
        #expect(run.admission(at: .max / 1_000) == .never(.failing))
        run.health.enable()
        #expect(run.admission(at: 0) == .send)
    }

    @Test func `410 disables for good, also out of a probe, and late successes change nothing`() {
        var run = Run()
        #expect(run.attempt(.gone, at: 5) == [.disabled(.gone)])
        for outcome in [EndpointHealth.Outcome.delivered, .failed, .gone, .throttled(wait: nil), .abandoned] {
            #expect(run.record(outcome, at: 6) == [])
        }
        #expect(run.admission(at: 1_000_000) == .never(.gone))
        run = Run(health: EndpointHealth(standing: .disabled(.failing, since: .second(0), nextProbe: .second(0))))
        #expect(run.attempt(.gone, at: 1) == [.disabled(.gone)])
        #expect(run.admission(at: 1_000_000) == .never(.gone))
        run.health.enable()
        run.health.switchOff(at: .second(7))
        #expect(run.record(.delivered, at: 8) == [])
        #expect(run.admission(at: 9) == .never(.switchedOff))
    }

    @Test func `failures that arrive late do not push the probe away`() {
        var run = Run(health: EndpointHealth(standing: .disabled(.failing, since: .second(0), nextProbe: .second(100))))
        for second in 1..<100 as Range<Int64> { #expect(run.record(.failed, at: second) == []) }
        #expect(run.admission(at: 100) == .probe)
    }

    @Test func `a clock that jumps neither stops it nor disables an endpoint that answers`() {
        var random = SplitMix64(for: "endpoint health under odd clocks")
        for _ in 0..<2_000 {
            var health = EndpointHealth()
            var delivered = false
            for _ in 0..<50 {
                let odd: [Int64] = [.min, .max, 0, .random(in: -2_000_000...2_000_000, using: &random)]
                let now = Instant(milliseconds: odd[Int.random(in: 0..<4, using: &random)])
                let outcomes: [EndpointHealth.Outcome] = [
                    .delivered, .failed, .throttled(wait: .seconds(Int64.max / 2)), .abandoned,
                ]
                let outcome = outcomes[Int.random(in: 0..<4, using: &random)]
                health.begin()
                let changes = health.record(
                    outcome, at: now, policy: .standard, jitter: .random(in: 0...1, using: &random))
                delivered = outcome == .delivered
                if delivered { #expect(health == EndpointHealth(), "\(changes)") }
                _ = health.admission(at: now)
            }
        }
    }

    @Test func `it agrees with the list of all that happened`() {
        var random = SplitMix64(for: "endpoint health, from the list of all outcomes")
        for _ in 0..<500 {
            var run = Run()
            var log: [(outcome: EndpointHealth.Outcome, second: Int64)] = []
            var second: Int64 = 0
            for _ in 0..<60 {
                second += .random(in: 0...120, using: &random)
                let isFailure = Int.random(in: 0..<12, using: &random) > 0
                let outcome: EndpointHealth.Outcome = isFailure ? .failed : .delivered
                guard run.admission(at: second) == .send else { continue }
                run.health.begin()
                let changes = run.record(outcome, at: second)
                log.append((outcome, second))
                let failures = log.reversed().prefix { $0.outcome == .failed }
                let since = failures.last.map { second - $0.second } ?? 0
                #expect(changes.contains(.disabled(.failing)) == (failures.count >= 6 && since >= 1_000))
                if changes.contains(.disabled(.failing)) { break }
                #expect(run.health.failedAttempts == failures.count)
                if case .open = run.health.breaker.state {
                    #expect(failures.count >= 3)
                } else {
                    #expect(failures.count < 3)
                }
            }
        }
    }
}

extension Instant {
    static func second(_ second: Int64) -> Instant { Instant(milliseconds: second * 1_000) }
}

extension EndpointHealth {
    /// As a caller does: first asks, then goes.
    fileprivate mutating func begin(at second: Int64) {
        #expect(admission(at: .second(second)) == .send)
        begin()
    }
}
