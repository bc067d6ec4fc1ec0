/// What one or many usage rows add to a day's total for a user and a model. Sums may be negative: a correction takes away.
package struct UsageSums: Equatable, Sendable {
    package var requests: Int64 = 0
    package var successes: Int64 = 0
    package var inputTokens: Int64 = 0
    package var outputTokens: Int64 = 0
    package var totalTokens: Int64 = 0
    /// Recorded and estimated, in nano-dollars.
    package var costNanos: Int64 = 0
    package var estimatedCostNanos: Int64 = 0
    package var unpricedRequests: Int64 = 0
    package var unpricedTokens: Int64 = 0
    package var latencySumMilliseconds: Int64 = 0
    /// The greatest latency among what was added. Not a sum: it can't be taken back.
    package var latencyMaxMilliseconds: Int64 = 0
    /// The greatest latency among what was taken away; nil when nothing was.
    var removedMaxMilliseconds: Int64?

    package var failures: Int64 { requests - successes }

    /// True when adding this changes no sum.
    var isZero: Bool {
        requests == 0 && successes == 0 && inputTokens == 0 && outputTokens == 0 && totalTokens == 0 && costNanos == 0
            && estimatedCostNanos == 0 && unpricedRequests == 0 && unpricedTokens == 0 && latencySumMilliseconds == 0
    }

    /// Adds another's sums (sign +1) or takes them away (sign −1). False when a sum would pass 2^63; the value is then useless.
    @inline(__always)
    mutating func add(_ other: UsageSums, sign: Int64) -> Bool {
        var overflow = false
        // The largest row is bounded (10^15), so the product with a sign never overflows.
        func sum(_ left: Int64, _ right: Int64) -> Int64 {
            let (value, over) = left.addingReportingOverflow(right &* sign)
            overflow = overflow || over
            return value
        }
        requests &+= other.requests &* sign
        successes &+= other.successes &* sign
        unpricedRequests &+= other.unpricedRequests &* sign
        inputTokens = sum(inputTokens, other.inputTokens)
        outputTokens = sum(outputTokens, other.outputTokens)
        totalTokens = sum(totalTokens, other.totalTokens)
        costNanos = sum(costNanos, other.costNanos)
        estimatedCostNanos = sum(estimatedCostNanos, other.estimatedCostNanos)
        unpricedTokens = sum(unpricedTokens, other.unpricedTokens)
        latencySumMilliseconds = sum(latencySumMilliseconds, other.latencySumMilliseconds)
        if sign > 0 {
            latencyMaxMilliseconds = max(latencyMaxMilliseconds, other.latencyMaxMilliseconds)
        } else {
            removedMaxMilliseconds = max(removedMaxMilliseconds ?? 0, other.latencyMaxMilliseconds)
        }
        return !overflow
    }
}
