import Foundation

/// Draws an index in proportion to its weight.
struct WeightedChoice {
    private let cumulative: [Double]

    /// Weights are positive, and there is at least one.
    init(weights: [Double]) {
        var sum = 0.0
        cumulative = weights.map { weight in
            sum += weight
            return sum
        }
    }

    /// Zipf's law: the n-th of `count` weighs 1/nˢ.
    static func zipf(count: Int, exponent: Double) -> WeightedChoice {
        WeightedChoice(weights: (1...count).map { pow(Double($0), -exponent) })
    }

    func draw(_ random: inout SplitMix64) -> Int {
        let target = random.unit() * (cumulative.last ?? 0)
        var low = 0
        var high = cumulative.count - 1
        while low < high {
            let middle = (low + high) / 2
            if cumulative[middle] > target { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
