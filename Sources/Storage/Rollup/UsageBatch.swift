import GRDB
import GRDBSQLite
import Scheduling

/// The sums of one part of a claim, and how far they have been applied: what takes a large bite of rows into the totals in many short
/// transactions without ever counting one twice.
///
/// The batch is the rows (start, end] as they stood when the claim was published, so it can be formed again after a crash and comes out the
/// same: its first transaction records the end. Its totals are applied in the order of (user_id, model), its histograms in the order of (model, day), and each transaction
/// moves the progress in rollup_state along with what it added.
final class UsageBatch {
    /// The cursor when the batch's turn comes.
    let start: Int64
    /// The last id that has been read.
    private(set) var end: Int64
    private let accumulator: UsageAccumulator
    private var order: [Int] = []
    private var histograms: [(model: UInt32, day: Int32, changes: [(bucket: Int, requests: Int64)])] = []
    private var rejects: [(rowID: Int64, reject: Reject)] = []
    private var nextTotal = 0
    private var nextHistogram = 0
    private var nextReject = 0

    var rows: Int64 { accumulator.rows }
    var rejectedRows: Int64 { Int64(rejects.count) }

    /// Keys of totals so far: what the batch's memory grows with.
    var keys: Int { accumulator.keys.count }

    init(start: Int64, rules: CountingRules) {
        self.start = start
        end = start
        accumulator = UsageAccumulator(rules: rules)
    }

    /// Reads the next part, up to `through`, from a snapshot of its own.
    func read(_ db: Database, through: Int64) throws {
        try UsageScan.readClaimed(db, after: end, through: through, into: accumulator)
        end = through
    }

    /// Reads pieces until none is left, from one snapshot. What others read of them this one absorbs later, or absorbs this one.
    func read(_ db: Database, _ pieces: Pieces) throws {
        while let piece = pieces.next() {
            leave(upTo: piece.after)
            try read(db, through: piece.through)
        }
    }

    /// Leaves the rows up to there to another one, which this one absorbs later, or which absorbs it.
    func leave(upTo row: Int64) {
        end = row
    }

    /// Takes over what another one has read: all rows between what this one has read, or behind it, up to the other's end.
    func absorb(_ other: UsageBatch) throws {
        try accumulator.absorb(other.accumulator)
        end = max(end, other.end)
    }

    /// Puts what was read in order, and skips what an earlier process has applied.
    func arrange(resuming state: RollupState?) {
        let userRanks = accumulator.users.ranks()
        let modelRanks = accumulator.models.ranks()
        let keys = accumulator.keys
        var places = keys.enumerated().map { index, key in
            Place(
                userAndModel: UInt64(userRanks[Int(key.user)]) << 32 | UInt64(modelRanks[Int(key.model)]), day: key.day,
                index: UInt32(index))
        }
        places.sort { $0.userAndModel != $1.userAndModel ? $0.userAndModel < $1.userAndModel : $0.day < $1.day }
        order = places.map { Int($0.index) }
        if let applied = state?.applied {
            let user = ContiguousArray(applied.user.utf8)
            let model = ContiguousArray(applied.model.utf8)
            user.withUnsafeBufferPointer { user in
                model.withUnsafeBufferPointer { model in
                    nextTotal = order.firstIndex { isAfter(user, model, keys[$0]) } ?? order.count
                }
            }
        }
        histograms = accumulator.histogram.rows(modelRanks: modelRanks)
        nextHistogram = state?.appliedHistograms ?? 0
        rejects = accumulator.rejects.compactMap { rowID, reject in reject.map { (rowID, $0) } }.sorted {
            $0.rowID < $1.rowID
        }
    }

    /// What keys are sorted by, side by side in memory: sorting their numbers by way of two tables took twice as long.
    private struct Place {
        let userAndModel: UInt64
        let day: Int32
        let index: UInt32
    }

    private func isAfter(
        _ user: UnsafeBufferPointer<UInt8>, _ model: UnsafeBufferPointer<UInt8>, _ key: UsageAccumulator.GroupKey
    ) -> Bool {
        let keyUser = accumulator.users.keys[Int(key.user)].bytes
        if KeyInterner.precedes(user, keyUser) { return true }
        if KeyInterner.precedes(keyUser, user) { return false }
        return KeyInterner.precedes(model, accumulator.models.keys[Int(key.model)].bytes)
    }

    /// A place in the batch; the next part starts there once its transaction is committed.
    struct Progress: Sendable {
        var total: Int
        var histogram: Int
        var reject: Int
        var isComplete: Bool
    }

    /// Batches below this are a tick's, whose keys mostly have a total already; above, most of them are new.
    static let manyRows: Int64 = 50_000

    /// Applies from where the last committed part ended until the allowance is spent, and moves the progress in the same transaction; at the
    /// end of the batch, moves the cursor instead.
    func applyPart(_ db: Database, _ allowance: Allowance, now: Instant, known: KnownTotals) throws -> Progress {
        var writer = try StatsWriter(db, now: now, known: rows < Self.manyRows ? known : nil)
        var progress = Progress(total: nextTotal, histogram: nextHistogram, reject: nextReject, isComplete: false)

        // First the rejects: setting a row aside twice is harmless, so they need no progress of their own.
        while progress.reject < rejects.count {
            let (rowID, reject) = rejects[progress.reject]
            try writer.setAside(rowID, reject)
            progress.reject += 1
            if allowance.isSpent { return try saving(progress, db) }
        }
        while progress.total < order.count {
            // All days of one user and model in one transaction: the progress can't tell days apart, and neither can the views.
            let key = accumulator.keys[order[progress.total]]
            let user = accumulator.users.keys[Int(key.user)]
            let model = accumulator.models.keys[Int(key.model)]
            while progress.total < order.count {
                let next = accumulator.keys[order[progress.total]]
                guard next.user == key.user, next.model == key.model else { break }
                try writer.add(accumulator.sums[order[progress.total]], day: next.day, user: user, model: model)
                progress.total += 1
            }
            if allowance.isSpent { return try saving(progress, db) }
        }
        while progress.histogram < histograms.count {
            let row = histograms[progress.histogram]
            try writer.addHistogram(row.changes, day: row.day, model: accumulator.models.string(row.model))
            progress.histogram += 1
            if allowance.isSpent { return try saving(progress, db) }
        }
        try db.cachedStatement(
            sql: """
                UPDATE rollup_state
                SET cursor = ?3, batch_end = ?3, applied_user = NULL, applied_model = NULL, applied_histograms = 0, updated_at_ms = ?1
                WHERE id = 1 AND cursor = ?2
                """
        ).execute(arguments: [now.milliseconds, start, end])
        progress.isComplete = true
        return progress
    }

    private func saving(_ progress: Progress, _ db: Database) throws -> Progress {
        guard progress.total > 0 else { return progress }
        let key = accumulator.keys[order[progress.total - 1]]
        try db.cachedStatement(
            sql: """
                UPDATE rollup_state
                SET batch_end = ?, applied_user = ?, applied_model = ?, applied_histograms = ?
                WHERE id = 1
                """
        ).execute(
            arguments: [
                end, accumulator.users.string(key.user), accumulator.models.string(key.model), progress.histogram,
            ])
        return progress
    }

    /// Called once the part's transaction is committed.
    func advance(to progress: Progress) {
        nextTotal = progress.total
        nextHistogram = progress.histogram
        nextReject = progress.reject
    }

    /// Rows counted of the batch, in proportion to what has been applied: for progress bars.
    func share(at progress: Progress) -> Double {
        let all = order.count + histograms.count + rejects.count
        return all == 0 ? 1 : Double(progress.total + progress.histogram + progress.reject) / Double(all)
    }
}

// Not safe by itself: `Rollup` hands it from one awaited database access to the next and never to two at once.
extension UsageBatch: @unchecked Sendable {}
extension UsageAccumulator: @unchecked Sendable {}
