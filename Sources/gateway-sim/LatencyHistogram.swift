/// Latencies in constant memory, for a writer that may run for weeks.
///
/// Microseconds fall into buckets: below 256 each value has its own, above that an octave has 128, so a percentile is at most
/// 0.8 % above the true one. The greatest latency and the count above 50 ms are exact.
struct LatencyHistogram {
    private var buckets = [Int](repeating: 0, count: 128 * 64)
    private var count = 0
    private var greatest = 0

    /// How many latencies were above 50 ms.
    private(set) var above50Milliseconds = 0

    mutating func record(_ latency: Duration) {
        let microseconds = max(0, Int(latency / .microseconds(1)))
        buckets[Self.bucket(microseconds)] += 1
        count += 1
        greatest = max(greatest, microseconds)
        if microseconds > 50_000 {
            above50Milliseconds += 1
        }
    }

    /// The greatest latency in milliseconds; nil when nothing was recorded.
    var maximum: Double? {
        count == 0 ? nil : Double(greatest) / 1_000
    }

    /// The latency in milliseconds that this share of all stayed at or below (0.99 for p99); nil when nothing was recorded.
    func percentile(_ share: Double) -> Double? {
        guard count > 0 else { return nil }
        let wanted = max(1, Int((share * Double(count)).rounded(.up)))
        var seen = 0
        for (bucket, inBucket) in buckets.enumerated() {
            seen += inBucket
            if seen >= wanted {
                return Double(min(Self.highest(in: bucket), greatest)) / 1_000
            }
        }
        return maximum
    }

    private static func bucket(_ value: Int) -> Int {
        guard value >= 256 else { return value }
        let shift = value.bitWidth - value.leadingZeroBitCount - 8
        return 128 * shift + (value >> shift)
    }

    private static func highest(in bucket: Int) -> Int {
        guard bucket >= 256 else { return bucket }
        let shift = bucket / 128 - 1
        return ((bucket - 128 * shift + 1) << shift) - 1
    }
}
