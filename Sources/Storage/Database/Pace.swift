/// How considerate the writer is.
package struct Pace: Sendable, Equatable {
    /// The longest that one write may hold the lock. Beside others, bites are sized for a third of it, so that their slow tail stays below:
    /// SQLite's busy handler in the gateway sleeps 1, 2, 5, 10 … ms, so a lock gone within 3 ms costs it 3 ms, and one of 5 ms costs it 8.
    package var hold: Duration
    /// The share of time, 0 to 1, for which the lock is held at most while other connections write.
    package var duty: Double
    /// Pages a second that may always be written to the log while others write. At 500 the gateway's automatic checkpoints, one each 1,000
    /// pages of the log, become one more every two seconds at the most.
    package var pagesPerSecond: Double
    /// Beside a gateway that writes more, as many pages for each of its own: a third more checkpoints than it has anyway.
    package var pageShare: Double
    /// For how long a write tries to get the lock before it gives up with an error; it tries again at the next tick.
    package var patience: Duration
    /// The size of the write-ahead log that is fine. At eight times this the writer checkpoints it, passively. The gateway's own checkpoints
    /// (every 1,000 pages by default) normally keep it far below.
    package var walLimitBytes: Int64
    /// More overwriting is more pages in the log.
    package var secureDelete: SecureDelete

    package init(
        hold: Duration = .milliseconds(5), duty: Double = 0.1, pagesPerSecond: Double = 500,
        pageShare: Double = 1.0 / 3, patience: Duration = .seconds(30), walLimitBytes: Int64 = 64 * 1_024 * 1_024,
        secureDelete: SecureDelete = .fast
    ) {
        self.hold = hold
        self.duty = duty
        self.pagesPerSecond = pagesPerSecond
        self.pageShare = pageShare
        self.patience = patience
        self.walLimitBytes = walLimitBytes
        self.secureDelete = secureDelete
    }
}

/// What one bite may spend while it holds the lock. Asked often, so it must be cheap.
package struct Allowance: Sendable {
    private let began: UInt64
    private let deadline: UInt64
    private let steps: Steps?

    /// Stops after a counted number of questions: for tests, which must not depend on time.
    package final class Steps: Sendable {
        private let next: @Sendable () -> Bool
        package init(_ isSpent: @escaping @Sendable () -> Bool) { next = isSpent }
        func isSpent() -> Bool { next() }
    }

    init(began: UInt64, work: UInt64, steps: Steps?) {
        self.began = began
        deadline = began + work
        self.steps = steps
    }

    /// For how long the lock has been held.
    var heldMicroseconds: Int64 { Int64((MonotonicClock.nanoseconds() - began) / 1_000) }

    /// True when the bite should end at the next place where it can.
    var isSpent: Bool {
        steps?.isSpent() ?? (MonotonicClock.nanoseconds() >= deadline)
    }
}
