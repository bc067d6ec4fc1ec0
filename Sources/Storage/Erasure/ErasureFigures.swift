import Scheduling

extension ErasureProof {
    /// By day and model.
    struct Figures: Sendable {
        struct Key: Hashable, Comparable {
            let date: String
            /// Bytes, since two texts may be the same to a reader and not to SQLite; nil is NULL.
            let model: [UInt8]?

            static func < (left: Key, right: Key) -> Bool {
                left.date != right.date
                    ? left.date < right.date
                    : (left.model ?? []).lexicographicallyPrecedes(right.model ?? [])
            }
        }

        /// In the order of `names`.
        var sums: [Key: [Int128]] = [:]
        var greatest: [Key: Int64] = [:]

        static let names = [
            "total_requests", "successes", "failures", "input_tokens", "output_tokens", "total_tokens", "cost_nanos",
            "estimated_cost_nanos", "unpriced_requests", "unpriced_tokens", "latency_sum_ms",
        ]

        mutating func add(_ values: [Int128], greatest latency: Int64, to key: Key) {
            let present = sums[key] ?? Array(repeating: 0, count: Self.names.count)
            sums[key] = zip(present, values).map { $0 &+ $1 }
            greatest[key] = max(greatest[key] ?? 0, latency)
        }

        mutating func add(_ accumulator: UsageAccumulator) {
            for (index, group) in accumulator.keys.enumerated() {
                let sums = accumulator.sums[index]
                let day = Day(number: Int(group.day)).map(String.init(describing:)) ?? ""
                let values = [
                    sums.requests, sums.successes, sums.failures, sums.inputTokens, sums.outputTokens, sums.totalTokens,
                    sums.costNanos, sums.estimatedCostNanos, sums.unpricedRequests, sums.unpricedTokens,
                    sums.latencySumMilliseconds,
                ]
                add(
                    values.map { Int128($0) }, greatest: sums.latencyMaxMilliseconds,
                    to: Key(date: day, model: Array(accumulator.models.keys[Int(group.model)].bytes)))
            }
        }

        mutating func add(_ other: Figures) {
            for (key, values) in other.sums { add(values, greatest: other.greatest[key] ?? 0, to: key) }
        }
    }
}

extension ErasureProof.Figures.Key {
    var words: String {
        "\(date), model \(model.map { String(decoding: $0, as: UTF8.self) } ?? "(none)")"
    }
}
