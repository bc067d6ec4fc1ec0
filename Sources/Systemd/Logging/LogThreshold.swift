package import Logging
import Synchronization

/// The lowest level that is logged, shared by all handlers of a process and changed as it runs.
package final class LogThreshold: Sendable {
    /// Where the level stands among all of them, lowest first.
    private let rank: Atomic<Int>

    package init(_ level: Logger.Level) {
        rank = Atomic(Self.rank(of: level))
    }

    package var level: Logger.Level {
        get { Logger.Level.allCases[rank.load(ordering: .relaxed)] }
        set { rank.store(Self.rank(of: newValue), ordering: .relaxed) }
    }

    private static func rank(of level: Logger.Level) -> Int {
        // All levels are among all cases.
        Logger.Level.allCases.firstIndex(of: level) ?? 0
    }
}
