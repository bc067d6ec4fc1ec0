/// Delays the starts of a job by a share of a spread that is its own and never changes, so that jobs with one schedule
/// do not start together. Only the start moves: the slot keeps its instant.
package struct Jitter: Sendable, Hashable {
    /// From zero up to, but not including, the spread; in whole milliseconds.
    package let offset: Duration

    /// - Parameters:
    ///   - job: the job's name; equal names have equal offsets, in every process and on every machine.
    ///   - spread: zero or less for none. Best well below the schedule's interval, or a start comes after the next slot.
    package init(job: String, spread: Duration) {
        guard spread >= .milliseconds(1) else {
            offset = .zero
            return
        }
        offset = .milliseconds(Int64(Self.hash(job) % UInt64(spread.wholeMilliseconds)))
    }

    /// No delay.
    package static let none = Jitter(job: "", spread: .zero)

    /// FNV-1a with 64 bits (Fowler, Noll and Vo), then the finalizer of MurmurHash3, since names that differ in their
    /// last letter alone would otherwise lie close together. Swift's own `Hasher` is seeded anew in every process.
    private static func hash(_ text: String) -> UInt64 {
        var value = text.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        value = (value ^ (value >> 33)) &* 0xFF51_AFD7_ED55_8CCD
        value = (value ^ (value >> 33)) &* 0xC4CE_B9FE_1A85_EC53
        return value ^ (value >> 33)
    }
}
