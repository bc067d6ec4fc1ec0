import Synchronization

/// The long readings that are under way, and how a writer that keeps the log small finds a moment without one.
///
/// A log is begun anew by the first commit behind a checkpoint that copied all of it and met no snapshot. While a day's archive is read there is a
/// snapshot most of the time: the log grew to 29 MB between two moments without one. So when the log is full, the next reading waits, for two bites as a
/// rule, until it is begun anew, and the writer in the end for the one under way.
final class LongReads: Sendable {
    private struct State {
        var underWay = 0
        /// Monotonic nanoseconds.
        var heldUntil: UInt64 = 0
    }

    private let state = Mutex(State())
    private let now: @Sendable () -> UInt64

    /// Nobody waits longer, whatever becomes of the writer: a snapshot's 250 ms and some bites.
    private static let longestHold: UInt64 = 300_000_000
    private static let look: UInt64 = 1_000_000

    /// - Parameter now: monotonic nanoseconds.
    init(now: @escaping @Sendable () -> UInt64 = { MonotonicClock.nanoseconds() }) {
        self.now = now
    }

    /// A cancelled task does not wait: what it reads is its last.
    func during<T: Sendable>(_ read: () async throws -> T) async throws -> T {
        while !begin(isHeldUp: !Task.isCancelled) { try? await Task.sleep(nanoseconds: Self.look) }
        defer { state.withLock { $0.underWay -= 1 } }
        return try await read()
    }

    private func begin(isHeldUp: Bool) -> Bool {
        state.withLock { state in
            guard !isHeldUp || state.heldUntil <= now() else { return false }
            state.underWay += 1
            return true
        }
    }

    var areUnderWay: Bool { state.withLock { $0.underWay > 0 } }

    /// Has those that have not begun wait. True when none is under way.
    func hold() -> Bool {
        state.withLock { state in
            if state.heldUntil == 0 { state.heldUntil = now() + Self.longestHold }
            return state.underWay == 0
        }
    }

    func release() {
        state.withLock { $0.heldUntil = 0 }
    }
}
