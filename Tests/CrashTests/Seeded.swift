import Foundation

/// Random numbers from a seed that is printed, so that a failure can be had again.
///
/// The generator is Steele, Lea and Flood's SplitMix64.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    /// TALLYD_TEST_SEED, else another one each time.
    init(for test: String) {
        let wanted = ProcessInfo.processInfo.environment["TALLYD_TEST_SEED"].flatMap { UInt64($0) }
        state = wanted ?? .random(in: 0...(.max))
        print("\(test): TALLYD_TEST_SEED=\(state)")
    }

    /// One of several that are drawn from another.
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
}
