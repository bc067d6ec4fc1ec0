import Synchronization

/// Adds up for how long the write lock was held on behalf of one task and those that it started: the lanes share one writer, and each run's line
/// says what that run cost the gateway.
package final class LockMeter: Sendable {
    @TaskLocal package static var current: LockMeter?

    private let nanoseconds = Atomic<UInt64>(0)

    package init() {}

    package var microseconds: Int64 { Int64(nanoseconds.load(ordering: .relaxed) / 1_000) }

    func add(_ held: UInt64) {
        nanoseconds.wrappingAdd(held, ordering: .relaxed)
    }
}
