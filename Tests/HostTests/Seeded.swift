import Foundation

/// A small generator whose seed is printed with what it found, so that a failure can be had again.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    /// The seed given in TALLYD_TEST_SEED, or a new one; never zero, at which the generator would stand still.
    static var seed: UInt64 {
        let given = ProcessInfo.processInfo.environment["TALLYD_TEST_SEED"].flatMap(UInt64.init)
        return max(1, given ?? .random(in: 1 ... .max))
    }

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        // xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled")
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_F491_4F6C_DD1D
    }
}
