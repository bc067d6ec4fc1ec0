import Testing

@testable import Scheduling

@Suite struct `Backing off` {
    private let backoff = Backoff(first: .seconds(1), cap: .seconds(60))

    @Test func `the delay doubles up to the cap`() {
        let delays = (1...9).map { backoff.delay(afterFailures: $0, jitter: 0.5) }
        #expect(delays == [1, 2, 4, 8, 16, 32, 60, 60, 60].map { .seconds($0) })
    }

    @Test func `the jitter moves it a quarter either way, whatever is handed in`() {
        #expect(backoff.delay(afterFailures: 1, jitter: 0) == .milliseconds(750))
        #expect(backoff.delay(afterFailures: 1, jitter: 1) == .milliseconds(1_250))
        #expect(backoff.delay(afterFailures: 1, jitter: -7) == .milliseconds(750))
        #expect(backoff.delay(afterFailures: 1, jitter: 7) == .milliseconds(1_250))
        var random = Seeded(seed: 14)
        for _ in 0..<1_000 {
            let failures = Int.random(in: 1...1_000_000, using: &random)
            let delay = backoff.delay(afterFailures: failures, jitter: Double.random(in: 0...1, using: &random))
            #expect(delay >= .milliseconds(750) && delay <= .seconds(75))
        }
    }

    @Test func `failures without end wait for the cap, and none at all for the first delay`() {
        #expect(backoff.delay(afterFailures: .max, jitter: 0.5) == .seconds(60))
        #expect(backoff.delay(afterFailures: 0, jitter: 0.5) == .seconds(1))
    }
}
