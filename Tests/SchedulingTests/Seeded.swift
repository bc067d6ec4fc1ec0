/// A small generator whose seed stands in the test, so that every run sees the same values.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

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
