import Daemon
import Scheduling
import Storage

/// Brings the totals up to date: by counting, or, while another tallyd has the database, by waiting for that one.
///
/// Should the other end before it is done, this one takes over.
struct CatchUp: Sendable {
    enum Conclusion: Sendable {
        /// Nil when there was nothing to count.
        case counted(Rollup.Outcome?)
        /// Done by this other process.
        case waited(holder: String)
    }

    let database: UsageDatabase
    /// What runs, for the lock file: `tallyd rollup run`.
    let command: String
    let interruption: Interruption

    /// How often the other one's progress is looked at.
    private static let look = Duration.milliseconds(250)
    /// After this many looks without progress, people are told.
    private static let patience = 120

    /// - Parameter isDone: asked while waiting, whether the other has done what this is about.
    /// - Throws: `StorageError`; `Interrupted`.
    func run(until isDone: @Sendable (RollupStatus) -> Bool) async throws -> Conclusion {
        let store = database.store
        let start = try await RollupStatus.read(store)
        let bar = ProgressBar()
        defer { bar.clear() }
        var holder: String?
        var last = start
        var looksWithoutProgress = 0
        while true {
            if let ownership = try await takeOver() {
                bar.clear()
                let counting = Counting(
                    store: store, zone: database.zone, term: ownership.term, interruption: interruption)
                // The lock goes with the value, which must outlive the work.
                defer { withExtendedLifetime(ownership) {} }
                return .counted(try await counting.run())
            }
            if holder == nil {
                let name = OwnerLock.holder(database: database.path) ?? "another tallyd"
                holder = name
                Terminal.complain("\(name) counts in this database: waiting for it")
            }
            let status = try await RollupStatus.read(store)
            if isDone(status) { return .waited(holder: holder ?? "another tallyd") }
            looksWithoutProgress = status.isFurther(than: last) ? 0 : looksWithoutProgress + 1
            last = status
            if looksWithoutProgress == Self.patience {
                bar.clear()
                Terminal.complain("it has made no progress for 30s; `tallyd status` says what it does")
            }
            bar.show(
                "waiting, row \(Figures.count(status.cursor)) of \(Figures.count(max(start.lastID, status.cursor)))",
                fraction: Double(status.cursor - start.cursor) / Double(max(start.lastID - start.cursor, 1)))
            try await interruption.pause(Self.look)
        }
    }

    /// Nil while another has the lock.
    private func takeOver() async throws -> Ownership? {
        do {
            return try await Ownership.take(database.store, command: command, now: WallClock.now())
        } catch let error as StorageError where error.kind == .ownedByAnother {
            return nil
        }
    }
}

extension RollupStatus {
    fileprivate func isFurther(than other: RollupStatus) -> Bool {
        cursor > other.cursor || pendingCorrections < other.pendingCorrections
            || markedDays.count < other.markedDays.count
    }
}
