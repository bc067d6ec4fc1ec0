import Testing

@testable import Scheduling

@Suite struct `Policies` {
    @Test func `a job's offset never changes, and lies within its spread`() {
        // Computed by another implementation: a build that hashes otherwise would move every job's start.
        #expect(Jitter(job: "rollup", spread: .seconds(3_600)).offset == Self.known["rollup"])
        #expect(Jitter(job: "retention", spread: .seconds(3_600)).offset == Self.known["retention"])
        #expect(Jitter(job: "rollup", spread: .zero) == .none)
        #expect(Jitter(job: "rollup", spread: .seconds(-5)) == .none)
        #expect(Jitter(job: "rollup", spread: .milliseconds(1)).offset == .zero)
        #expect(Jitter(job: "rollup", spread: .seconds(Int64.max)).offset >= .zero)
    }

    private static let known: [String: Duration] = [
        "rollup": .milliseconds(2_639_729), "retention": .milliseconds(1_635_877),
    ]

    @Test func `names that differ little have offsets all over the spread`() {
        var tenths = Set<Int64>()
        for number in 0..<200 {
            let offset = Jitter(job: "job-\(number)", spread: .seconds(100)).offset
            #expect(offset >= .zero && offset < .seconds(100))
            tenths.insert(offset.components.seconds / 10)
        }
        #expect(tenths.count == 10)
    }

    @Test func `a failed run is tried again until its attempts are used up`() {
        let retry = Retry(backoff: Backoff(first: .seconds(1), cap: .seconds(8)), attempts: 5)
        #expect(
            (1...5).map { retry.delay(afterAttempts: $0, failures: $0, jitter: 0.5) } == [
                .seconds(1), .seconds(2), .seconds(4), .seconds(8), nil,
            ])
        #expect(retry.delay(afterAttempts: 1, failures: 3, jitter: 0.5) == .seconds(4), "two slots before it failed")
        #expect(Retry.never.delay(afterAttempts: 1, failures: 1, jitter: 0.5) == nil)
        #expect(Policy().retry == .never)
    }
}
