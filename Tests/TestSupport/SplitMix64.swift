import Foundation

/// Steele, Lea and Flood's SplitMix64 ("Fast splittable pseudorandom number generators"): small, any seed will do, and the same seed gives the same
/// numbers on every machine.
package struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) {
        state = seed
    }

    /// The seed is TALLYD_TEST_SEED, else another one each time, and is printed under the test's name, so that a failure can be had again.
    package init(for test: String) {
        let wanted = ProcessInfo.processInfo.environment["TALLYD_TEST_SEED"].flatMap { UInt64($0) }
        let seed = wanted ?? .random(in: 0...(.max))
        print("\(test): TALLYD_TEST_SEED=\(seed)")
        self.init(seed: seed)
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
