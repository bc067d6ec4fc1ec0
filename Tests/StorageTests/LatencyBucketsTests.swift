import Storage
import TestSupport
import Testing

@Suite struct `Latency buckets` {
    private static func isWithin2Percent(_ value: Int64) -> Bool {
        let middle = LatencyBuckets.middle(of: LatencyBuckets.bucket(of: value))
        return abs(middle - Double(value)) <= 0.02 * Double(value)
    }

    @Test func `every latency to a million milliseconds is within 2 % of its bucket's middle`() {
        let off = (0...1_000_000).filter { !Self.isWithin2Percent(Int64($0)) }
        #expect(off.isEmpty)
    }

    @Test func `seeded latencies to a billion milliseconds are within 2 % of their bucket's middle`() {
        var random = SplitMix64(seed: 51)
        for _ in 0..<200_000 {
            let value = Int64.random(in: 0...1_000_000_000, using: &random)
            let bucket = LatencyBuckets.bucket(of: value)
            if !Self.isWithin2Percent(value) || !LatencyBuckets.bounds(of: bucket).contains(value) {
                Issue.record("\(value) in bucket \(bucket)")
            }
        }
    }

    @Test func `buckets follow each other without gap or overlap, and below 64 ms each is one millisecond`() {
        var next: Int64 = 0
        for bucket in 0...LatencyBuckets.bucket(of: 1_000_000_000) {
            let bounds = LatencyBuckets.bounds(of: bucket)
            #expect(bounds.lowerBound == next)
            #expect(LatencyBuckets.bucket(of: bounds.lowerBound) == bucket)
            #expect(LatencyBuckets.bucket(of: bounds.upperBound - 1) == bucket)
            if bucket < 64 { #expect(LatencyBuckets.middle(of: bucket) == Double(bucket)) }
            next = bounds.upperBound
        }
        #expect(next > 1_000_000_000)
        #expect(LatencyBuckets.bucket(of: 1_000_000_000) < 2_047)
    }

    @Test(arguments: [0.5, 0.9, 0.95, 0.99, 1.0])
    func `percentiles from buckets are within 2 % of the exact nearest rank`(share: Double) throws {
        var random = SplitMix64(seed: 52)
        for round in 0..<60 {
            let spread = Double.random(in: 1...9, using: &random)
            let values = (0..<Int.random(in: 1...2_000, using: &random)).map { _ in
                // log-uniform, so that every octave has its turn
                Int64(pow10(Double.random(in: 0...spread, using: &random)))
            }.sorted()
            var counts: [Int: Int64] = [:]
            for value in values { counts[LatencyBuckets.bucket(of: value), default: 0] += 1 }
            let ordered = counts.sorted { $0.key < $1.key }.map { (bucket: $0.key, requests: $0.value) }
            let exact = values[max(1, Int((share * Double(values.count)).rounded(.up))) - 1]
            let found = try #require(LatencyBuckets.percentile(share, of: ordered))
            #expect(abs(found - Double(exact)) <= 0.02 * Double(exact), "round \(round)")
        }
    }

    @Test func `no requests have no percentile`() {
        #expect(LatencyBuckets.percentile(0.5, of: []) == nil)
        #expect(LatencyBuckets.percentile(0.5, of: [(bucket: 3, requests: 0)]) == nil)
        #expect(LatencyBuckets.percentile(0, of: [(bucket: 3, requests: 1)]) == 3)
    }

    private func pow10(_ exponent: Double) -> Double {
        var result = 1.0
        var whole = exponent
        while whole >= 1 {
            result *= 10
            whole -= 1
        }
        return result * (1 + 9 * whole)
    }
}
