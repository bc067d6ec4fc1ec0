/// Log-linear latency buckets, computed with integers alone so that SQL, Swift and any reader of the table agree.
///
/// Below 64 ms a bucket is one millisecond. Above, every octave has 32 buckets, so a bucket spans at most 1/32 of its lower bound, and
/// its middle is within 1/64 (1.6 %) of every value in it: the stated bound of 2 % holds for every percentile. The layout is that of
/// HdrHistogram with five significant bits.
package enum LatencyBuckets {
    /// The bucket of a latency in milliseconds, 0 or more.
    package static func bucket(of latencyMilliseconds: Int64) -> Int {
        guard latencyMilliseconds >= 64 else { return Int(max(0, latencyMilliseconds)) }
        let exponent = 63 - latencyMilliseconds.leadingZeroBitCount - 5
        return exponent * 32 + Int(latencyMilliseconds >> Int64(exponent))
    }

    /// The smallest latency of the bucket and the smallest of the next one.
    package static func bounds(of bucket: Int) -> Range<Int64> {
        guard bucket >= 64 else { return Int64(bucket)..<(Int64(bucket) + 1) }
        let exponent = Int64(bucket / 32 - 1)
        let lower = Int64(bucket - Int(exponent) * 32) << exponent
        return lower..<(lower + (1 << exponent))
    }

    /// The value that stands for a bucket: the middle of what it holds.
    package static func middle(of bucket: Int) -> Double {
        let bounds = bounds(of: bucket)
        return Double(bounds.lowerBound + bounds.upperBound - 1) / 2
    }

    /// The latency below which the given share of requests lies (nearest rank); nil when there are none.
    ///
    /// - Parameter counts: bucket and requests, in ascending order of bucket.
    package static func percentile(_ share: Double, of counts: [(bucket: Int, requests: Int64)]) -> Double? {
        let total = counts.reduce(0) { $0 + $1.requests }
        guard total > 0 else { return nil }
        let rank = max(1, Int64((share * Double(total)).rounded(.up)))
        var seen: Int64 = 0
        for (bucket, requests) in counts {
            seen += requests
            if seen >= rank { return middle(of: bucket) }
        }
        return counts.last.map { middle(of: $0.bucket) }
    }
}
