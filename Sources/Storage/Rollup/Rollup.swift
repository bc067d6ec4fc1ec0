import GRDB
package import Scheduling
import Synchronization

/// Rolls usage_logs up into daily_usage_stats, exactly, whatever happens meanwhile.
///
/// One round does this:
///
/// 1. A claim that a crash left unfinished is counted first.
/// 2. New prices enter the price book; days that they change are marked.
/// 3. *Correct*: the change log's entries are added to the totals (−old, +new) and removed, in one transaction a bite. All of them concern rows
///    counted before. Sums of integers can be corrected on open, sealed and purged days alike.
/// 4. Marked days are derived again from raw rows.
/// 5. *Claim*: a short write publishes claim = the greatest id there is. From here on the triggers log what happens to its rows. Every row seen
///    below it is committed: SQLite serialises writers and ids only grow (AUTOINCREMENT).
/// 6. *Read* batches of (cursor, claim] in snapshots, as they stood at the claim (see `UsageScan.readClaimed`), one ahead of
/// 7. *Apply*, in short writes (see `UsageBatch`), the last of which moves the cursor to the batch's end.
///
/// Rounds go on until there is nothing left. A round that finds nothing writes nothing.
package final class Rollup: Sendable {
    let store: Store
    let zone: Zone
    let term: Term?
    let now: @Sendable () -> Instant
    let limits: Limits
    /// Called in the transaction that counts corrections, before the log's entries up to that one are removed: how an erasure sees what others
    /// changed meanwhile.
    let watch: (@Sendable (Database, _ through: Int64) throws -> Void)?
    /// Kept from tick to tick.
    let known = KnownTotals()
    /// The last schema in which the triggers were found.
    private let checkedSchema = Mutex<Int64?>(nil)

    /// How much is taken at once. Neither changes any total.
    package struct Limits: Sendable {
        /// A batch ends after the snapshot in which it reaches this many keys. Two batches are in memory, at up to 300 bytes a key.
        package var keysPerBatch: Int
        /// Rows per read snapshot: below 250 ms at 0.5 µs to 2 µs a row.
        package var rowsPerSnapshot: Int64

        /// Whether the next batch is read while one is applied, and a tick's by two connections at once. Tests that must repeat themselves say no.
        package var readsAhead: Bool

        /// A batch of so many rows, if it fits into one snapshot, is read by two connections: a second snapshot costs as much as
        /// some hundred rows.
        package var halvedFrom: Int64

        package init(
            keysPerBatch: Int = 100_000, rowsPerSnapshot: Int64 = 100_000, readsAhead: Bool = true,
            halvedFrom: Int64 = 2_000
        ) {
            self.keysPerBatch = keysPerBatch
            self.rowsPerSnapshot = rowsPerSnapshot
            self.readsAhead = readsAhead
            self.halvedFrom = halvedFrom
        }
    }

    /// What one run did.
    package struct Outcome: Sendable, Equatable {
        package var rows: Int64 = 0
        package var corrections: Int64 = 0
        package var rejected: Int64 = 0
        package var daysDerived = 0
        package var prices = 0
        /// The gateway's table had forgotten which ids it gave: rows came below what is counted already.
        package var idsBeganAnew = false
        /// The triggers on usage_logs that log corrections were gone, and are there again.
        package var triggersWereGone = false
        /// False when it was asked to stop before everything was counted.
        package var isComplete = true

        package var didNothing: Bool {
            rows == 0 && corrections == 0 && daysDerived == 0 && prices == 0 && !idsBeganAnew
                && !triggersWereGone
        }
    }

    /// Where a long run is, for progress bars: ids rather than rows, since counting rows would be a scan.
    package struct Progress: Sendable {
        package let doneID: Int64
        package let targetID: Int64
        package let phase: String
    }

    /// - Parameters:
    ///   - term: checked in every writing transaction; nil only where no daemon can be about (tests, benchmarks).
    ///   - now: the wall clock, for timestamps and for when a price came into force; never for deciding what counts.
    package convenience init(
        store: Store, zone: Zone, term: Term? = nil, limits: Limits = Limits(), now: @escaping @Sendable () -> Instant
    ) {
        self.init(store: store, zone: zone, term: term, limits: limits, watch: nil, now: now)
    }

    init(
        store: Store, zone: Zone, term: Term?, limits: Limits,
        watch: (@Sendable (Database, _ through: Int64) throws -> Void)?, now: @escaping @Sendable () -> Instant
    ) {
        self.watch = watch
        self.store = store
        self.zone = zone
        self.term = term
        self.limits = limits
        self.now = now
    }

    /// Runs rounds until everything that was there at the start is counted (what comes meanwhile is the next run's), or until `shouldStop` answers true between two bites.
    ///
    /// - Throws: `StorageError`; whatever was committed before stays right, and the next run goes on from there.
    package func run(
        shouldStop: @Sendable () -> Bool = { false }, progress: @Sendable (Progress) -> Void = { _ in }
    ) async throws -> Outcome {
        var outcome = Outcome()
        var goal: Int64?
        while true {
            let situation = try await look()
            try check(situation)
            let last = goal ?? situation.lastID
            goal = last
            if situation.state.hasClaim {
                try await countClaimed(situation, &outcome, shouldStop, progress)
            } else {
                try await adoptIfNeeded(situation, progress)
                try await enterPrices(situation, &outcome)
                if situation.isSequenceBehind {
                    try await leadSequence()
                    outcome.idsBeganAnew = true
                }
                if !situation.hasTriggers {
                    try await markOpenDays("restore the triggers of") { db in try ChangeLogTriggers.restore(db) }
                    outcome.triggersWereGone = true
                }
                if situation.hasCorrections { try await correct(situation, &outcome, shouldStop, progress) }
                // What was done just now may have marked days.
                let mayBeMarked =
                    situation.hasCorrections || !situation.priceChanges.isEmpty || situation.hasMarkedDays
                    || situation.isSequenceBehind || !situation.hasTriggers
                if mayBeMarked { try await deriveMarkedDays(situation, &outcome, shouldStop, progress) }
                guard !shouldStop() else { break }
                guard situation.state.cursor < last, let claim = try await claim() else { return outcome }
                // Nobody else counts, so this is what the next look would find, but for prices: those are the next round's.
                let isCurrent = situation.priceChanges.isEmpty && situation.state.isAdopted
                if isCurrent {
                    let isDone = try await countClaimed(situation.claiming(claim), &outcome, shouldStop, progress)
                    // All that was there at the start has been counted, so there is nothing to look for.
                    if isDone { return outcome }
                }
            }
            if shouldStop() { break }
        }
        outcome.isComplete = false
        return outcome
    }

    // MARK: Looking

    /// True when a run would find something to do. Reads a few pages, writes nothing.
    package func hasWork() async throws -> Bool {
        let situation = try await look()
        try check(situation)
        return !situation.state.isAdopted || situation.state.hasClaim || !situation.priceChanges.isEmpty
            || situation.lastID > situation.state.cursor || situation.hasCorrections || situation.hasMarkedDays
            || situation.isSequenceBehind || !situation.hasTriggers
    }

    struct Situation: Sendable {
        var state: RollupState
        let prices: PriceBook
        let priceChanges: [PriceBook.Change]
        let adopted: [Day: Int64]
        let hasForeignStats: Bool
        /// The last row of usage_logs, or the cursor where there is none above it.
        let lastID: Int64
        let hasCorrections: Bool
        let hasMarkedDays: Bool
        /// Whether AUTOINCREMENT would give ids that are counted already.
        let isSequenceBehind: Bool
        /// Whether corrections are logged.
        let hasTriggers: Bool

        /// As it is once a claim has been published.
        func claiming(_ last: Int64) -> Situation {
            var next = self
            next.state.claim = last
            return next
        }
    }

    private func look() async throws -> Situation {
        let now = now()
        return try await store.read("read the rollup's state of") { db in
            let state = try RollupState.read(db)
            let prices = try PriceBook.read(db)
            let work = try Row.fetchOne(
                db.cachedStatement(
                    sql: """
                        SELECT (SELECT MAX(id) FROM usage_logs),
                               EXISTS (SELECT 1 FROM usage_changes),
                               EXISTS (SELECT 1 FROM rollup_dirty_days),
                               COALESCE((SELECT MAX(seq) FROM sqlite_sequence WHERE name = 'usage_logs'), 0)
                        """))
            return Situation(
                state: state,
                prices: prices,
                priceChanges: prices.changes(to: try PriceBook.readPresent(db), now: now),
                adopted: try Self.adoptedDays(db),
                hasForeignStats: state.isAdopted
                    ? false
                    : try Bool.fetchOne(
                        db, sql: "SELECT EXISTS (SELECT 1 FROM daily_usage_stats WHERE source <> 'rollup')") ?? false,
                lastID: max(work?[0] ?? 0, state.cursor), hasCorrections: work?[1] ?? true,
                hasMarkedDays: work?[2] ?? true, isSequenceBehind: work?[3] ?? 0 < state.cursor,
                hasTriggers: try self.hasTriggers(db))
        }
    }

    /// Looked at again only when the schema has changed.
    private func hasTriggers(_ db: Database) throws -> Bool {
        let version = try Int64.fetchOne(db.cachedStatement(sql: "PRAGMA schema_version"))
        if let version, checkedSchema.withLock({ $0 }) == version { return true }
        let areThere = try ChangeLogTriggers.areThere(db)
        if areThere { checkedSchema.withLock { $0 = version } }
        return areThere
    }

    static func adoptedDays(_ db: Database) throws -> [Day: Int64] {
        let rows = try Row.fetchAll(
            db.cachedStatement(sql: "SELECT date, adopted_through FROM usage_days WHERE adopted_through IS NOT NULL"))
        return rows.reduce(into: [:]) { days, row in
            if let day = Day(row[0] as String) { days[day] = row[1] }
        }
    }

    private func check(_ situation: Situation) throws {
        guard let counted = situation.state.zone, counted != zone.name else { return }
        throw StorageError(
            .zoneChanged, cannot: "roll up", store.path,
            because: "its days were counted in \(counted), and TALLYD_TIMEZONE now says \(zone.name)",
            remedy:
                "Set TALLYD_TIMEZONE=\(counted), or stop the daemon and run `tallyd rollup rebuild` to count all days anew."
        )
    }

    func rules(_ situation: Situation) -> CountingRules {
        CountingRules(calendar: DayCalendar(zone: zone), prices: situation.prices, adopted: situation.adopted)
    }

    // MARK: Writing

    /// One write of the rollup's, fenced by the term.
    func write<T: Sendable>(
        _ operation: String, goesOn: @escaping @Sendable (T) -> Bool = { _ in false },
        _ work: @escaping @Sendable (Database, Allowance) throws -> T
    ) async throws -> T {
        let term = term
        return try await store.writer.write(operation, goesOn: goesOn) { db, allowance in
            try term?.check(db)
            return try work(db, allowance)
        }
    }

    /// Has AUTOINCREMENT go on above what is counted, after its counter was lost or set back: by a dump without it, or by a gateway that empties its
    /// table and begins anew. What has come below since is found by deriving the days that are open, since nothing else tells those rows from others.
    private func leadSequence() async throws {
        try await markOpenDays("lead the ids of") { db in
            let cursor = try RollupState.read(db).cursor
            try db.execute(
                sql: "UPDATE sqlite_sequence SET seq = ?1 WHERE name = 'usage_logs' AND seq < ?1", arguments: [cursor])
            try db.execute(
                sql: """
                    INSERT INTO sqlite_sequence (name, seq)
                    SELECT 'usage_logs', ?
                    WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'usage_logs')
                    """,
                arguments: [cursor])
        }
    }

    /// Does something, and has the days derived again whose totals can be: for what nobody has logged.
    private func markOpenDays(
        _ operation: String, _ work: @escaping @Sendable (Database) throws -> Void
    ) async throws {
        let zone = zone
        let dates = try await store.read("find the open days of") { db in
            let closed = try UsageDays.closed(db)
            return try UsageDays.present(db, in: nil, calendar: DayCalendar(zone: zone)).filter { closed[$0] == nil }
        }
        try await write(operation) { db, _ in
            try work(db)
            for date in dates { try Self.mark(date.description, db) }
        }
    }

    /// Marks a day to be derived again.
    static func mark(_ date: String, _ db: Database) throws {
        try db.execute(
            sql: """
                INSERT INTO rollup_dirty_days (date)
                VALUES (?)
                ON CONFLICT (date) DO UPDATE SET generation = generation + 1
                """,
            arguments: [date])
    }

    /// Adds the change log's entries to the totals and removes them, a bite a transaction.
    private func correct(
        _ start: Situation, _ outcome: inout Outcome, _ shouldStop: @Sendable () -> Bool,
        _ progress: @Sendable (Progress) -> Void
    ) async throws {
        let zone = zone
        let now = now()
        let watch = watch
        while !shouldStop() {
            let situation = try await store.read("look for corrections in") { db in
                (
                    hasAny: try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM usage_changes)") ?? false,
                    prices: try PriceBook.read(db), adopted: try Self.adoptedDays(db)
                )
            }
            guard situation.hasAny else { return }
            let rules = CountingRules(
                calendar: DayCalendar(zone: zone), prices: situation.prices, adopted: situation.adopted)
            outcome.corrections += try await write("correct totals in") { db, allowance in
                var done: Int64 = 0
                var count: Int64 = 0
                repeat {
                    let accumulator = UsageAccumulator(rules: rules)
                    // 64 entries at a time: enough for an update's two images to cancel, few enough to look at the clock.
                    guard let last = try UsageScan.readChanges(db, after: done, limit: 64, into: accumulator) else {
                        break
                    }
                    var writer = try StatsWriter(db, now: now)
                    try writer.addCorrections(accumulator)
                    done = last
                    count += accumulator.rows
                } while !allowance.isSpent
                try watch?(db, done)
                try db.execute(sql: "DELETE FROM usage_changes WHERE seq <= ?", arguments: [done])
                return count
            }
            progress(Progress(doneID: start.state.cursor, targetID: start.lastID, phase: "counting corrections"))
        }
    }

    /// Publishes a claim on everything there is, and returns its end. Nil when there is nothing above the cursor; then nothing is written.
    private func claim() async throws -> Int64? {
        let now = now()
        var calendar = DayCalendar(zone: zone)
        let offset = calendar.offsetSeconds(at: now)
        let zone = zone.name
        return try await write("claim rows of") { db, _ in
            let cursor = try RollupState.read(db).cursor
            let last = try Int64.fetchOne(db.cachedStatement(sql: "SELECT MAX(id) FROM usage_logs")) ?? cursor
            guard last > cursor else { return nil }
            // AUTOINCREMENT's counter does not follow an UPDATE of the id: a row moved above it and removed would let a new row have an id that is
            // claimed already (a random history found it).
            try db.cachedStatement(sql: "UPDATE sqlite_sequence SET seq = ?1 WHERE name = 'usage_logs' AND seq < ?1")
                .execute(arguments: [last])
            try db.cachedStatement(
                sql: """
                    UPDATE rollup_state
                    SET claim = ?1, zone = ?2, zone_offset_seconds = ?3
                    WHERE id = 1 AND claim = cursor
                    """
            ).execute(arguments: [last, zone, offset])
            return last
        }
    }
}
