import Foundation

/// Seeded random numbers: Steele, Lea and Flood's SplitMix64. The same seed gives the same rows on every machine.
struct SplitMix64 {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// Evenly from 0 up to, but not including, 1.
    mutating func unit() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// Evenly from 0 up to, but not including, the bound. The bias of the remainder is below 2⁻⁴⁰ for what is drawn here.
    mutating func below(_ bound: Int) -> Int {
        Int(next() % UInt64(bound))
    }

    /// True with this probability, 0 to 1.
    mutating func happens(_ probability: Double) -> Bool {
        unit() < probability
    }

    /// A log-normal number with this median; `spread` is the standard deviation of its logarithm.
    mutating func logNormal(median: Double, spread: Double) -> Double {
        // Box and Muller's transform; 1 − u keeps the logarithm away from zero.
        let radius = (-2 * log(1 - unit())).squareRoot()
        return median * exp(spread * radius * cos(2 * .pi * unit()))
    }
}
