import CSQLiteConfig
import Foundation
package import GRDB
import GRDBSQLite
import Synchronization

/// The program's one writing connection.
///
/// The gateway must not notice it, so: it asks for the lock without waiting in SQLite's queue and loses every race (its own jittered
/// pause, never a busy handler); it holds the lock for `Pace.hold` at most, a bite at a time; and while anyone else writes it rests between
/// bites (see `Courtesy`). With nobody else about it goes at full speed, still in short bites, since the next insert may come at any moment.
package final class PoliteWriter: Sendable {
    private let queue: DatabaseQueue
    private let path: String
    /// Set by tests: ends bites by counting instead of by time.
    private let steps: Allowance.Steps?
    private let log: WriteAheadLog
    private let state: Mutex<State>
    let longReads = LongReads()

    private struct State {
        var pace: Pace
        var courtesy: Courtesy
        var nextCheckpoint: UInt64 = 0
        /// What the log may hold while nobody else writes; nil: eight times the pace's limit.
        var smallLog: SmallLog?
        var writeback: LogWriteback?
        var totals = Totals()
    }

    /// Counters since the start, for status lines and metrics.
    package struct Totals: Sendable, Equatable {
        package var writes = 0
        package var holdNanoseconds: UInt64 = 0
        package var longestHoldNanoseconds: UInt64 = 0
        package var lostRaces = 0
        package var waitNanoseconds: UInt64 = 0
        package var checkpoints = 0
        /// Pages written to the write-ahead log.
        package var pages = 0
    }

    init(queue: DatabaseQueue, path: String, pace: Pace, steps: Allowance.Steps?) {
        self.queue = queue
        self.path = path
        self.steps = steps
        state = Mutex(State(pace: pace, courtesy: Courtesy(pace: pace)))
        let log = WriteAheadLog()
        self.log = log
        queue.inDatabase { db in log.observe(db) }
    }

    package var pace: Pace { state.withLock { $0.pace } }

    /// Goes on at another pace: from the next bite on, and what is known of others is kept.
    package func change(to pace: Pace) {
        let isOverwritingAnew = state.withLock { state in
            defer {
                state.pace = pace
                state.courtesy.change(to: pace)
            }
            return state.pace.secureDelete != pace.secureDelete
        }
        guard isOverwritingAnew else { return }
        // In the connection's own queue, hence between two bites, and without waiting for the one in hand. The pragma only sets a flag of the
        // connection's, so that there is no failure to tell of.
        queue.asyncWriteWithoutTransaction { db in try? Self.set(pace.secureDelete, db) }
    }

    static func set(_ secureDelete: SecureDelete, _ db: Database) throws {
        try db.execute(sql: "PRAGMA secure_delete = \(secureDelete.rawValue)")
    }

    package var totals: Totals { state.withLock { $0.totals } }

    /// Runs `work` in one BEGIN IMMEDIATE … COMMIT, all or nothing. A cancelled task still finishes the bite in hand.
    ///
    /// - Throws: `StorageError` of kind `locked` when the lock was not to be had for `Pace.patience`; what `work` throws, after a rollback.
    ///
    /// - Parameter firesTriggers: false but for writes that other programs' triggers are to see: the contract's updated_at triggers cost a
    ///   daily total twice what writing it costs (measured), and what the rollup writes sets updated_at itself.
    /// - Parameter isUrgent: for short writes that somebody waits for: they do not rest for what other work of ours has taken.
    /// - Parameter goesOn: asked after a commit, with what the bite returned, whether another one is to follow at once: that spares the way
    ///   through the scheduler, which on a busy machine takes as long as a bite. Not asked when others write, nor more than a few times in a row; what
    ///   is returned is the last bite's.
    package func write<T: Sendable>(
        _ operation: String, firesTriggers: Bool = false, isUrgent: Bool = false,
        goesOn: @escaping @Sendable (T) -> Bool = { _ in false },
        _ work: @escaping @Sendable (Database, Allowance) throws -> T
    ) async throws -> T {
        await rest(isUrgent)
        await waitForReads()
        let started = MonotonicClock.nanoseconds()
        var pause: UInt64 = 300_000
        while true {
            if let result = try await attempt(operation, firesTriggers, isUrgent, goesOn, work) { return result }
            let waited = MonotonicClock.nanoseconds() - started
            state.withLock {
                $0.totals.lostRaces += 1
                $0.totals.waitNanoseconds += pause
            }
            LockWait.current?.note()
            guard waited < UInt64(pace.patience / .nanoseconds(1)) else {
                throw StorageError(
                    .locked, cannot: operation, path,
                    because: "another program has held its write lock for \(waited / 1_000_000_000) s",
                    remedy: "Find it with `fuser \(path)`; tallyd goes on by itself when the lock is gone.")
            }
            try await Task.sleep(nanoseconds: UInt64.random(in: pause / 2...pause))
            pause = min(pause * 2, 20_000_000)
        }
    }

    /// Waits out the rest that the duty asks for. Not while nobody else writes.
    private func rest(_ isUrgent: Bool) async {
        let (until, isShared) = state.withLock {
            (isUrgent ? $0.courtesy.urgentRest : $0.courtesy.rest, $0.courtesy.isShared)
        }
        let now = MonotonicClock.nanoseconds()
        guard isShared, until > now, steps == nil else { return }
        // A cancelled sleep returns at once: the bite that follows is the last one.
        try? await Task.sleep(nanoseconds: until - now)
    }

    /// A log that is to stay small, and is fuller than it may be, waits for the readings that keep it from being begun anew; those that would begin meanwhile
    /// are held.
    private func waitForReads() async {
        for _ in 0..<Self.mostLooksAtReads {
            guard waitsForReads else { return }
            do { try await Task.sleep(nanoseconds: 1_000_000) } catch { return }
        }
    }

    private var waitsForReads: Bool {
        state.withLock { !$0.courtesy.isShared && $0.smallLog?.isOverfull == true } && longReads.areUnderWay
    }

    /// A millisecond and more each: the longest snapshot.
    private static let mostLooksAtReads = 250

    /// Nil when the race for the lock was lost.
    private func attempt<T: Sendable>(
        _ operation: String, _ firesTriggers: Bool, _ isUrgent: Bool, _ goesOn: @escaping @Sendable (T) -> Bool,
        _ work: @escaping @Sendable (Database, Allowance) throws -> T
    ) async throws -> T? {
        let answer: Result<T?, any Error> = await withCheckedContinuation { continuation in
            // Not GRDB's async methods: they interrupt the statement in hand when the task is cancelled.
            let meter = LockMeter.current
            queue.asyncWriteWithoutTransaction { db in
                continuation.resume(
                    returning: Result {
                        if firesTriggers { csqliteconfig_fire_triggers(db.sqliteConnection, 1) }
                        defer { if firesTriggers { csqliteconfig_fire_triggers(db.sqliteConnection, 0) } }
                        return try LockMeter.$current.withValue(meter) { try self.bites(db, isUrgent, goesOn, work) }
                    })
            }
        }
        do {
            return try answer.get()
        } catch {
            throw StorageError.wrapping(error, cannot: operation, path)
        }
    }

    /// At most so many bites before somebody else's write gets its turn, or a stop is noticed: 40 ms at the default hold.
    private static let bitesInARow = 8

    private func bites<T>(
        _ db: Database, _ isUrgent: Bool, _ goesOn: (T) -> Bool, _ work: (Database, Allowance) throws -> T
    ) throws -> T? {
        guard var last = try transact(db, isUrgent, work) else { return nil }
        for _ in 1..<Self.bitesInARow {
            guard steps == nil, !state.withLock({ $0.courtesy.isShared }), goesOn(last), !waitsForReads else { break }
            guard let next = try transact(db, isUrgent, work) else { break }
            last = next
        }
        return last
    }

    private func transact<T>(_ db: Database, _ isUrgent: Bool, _ work: (Database, Allowance) throws -> T) throws -> T? {
        if db.isInsideTransaction { try db.rollback() }
        // Those that a full log waited for may be over by now.
        if state.withLock({ $0.smallLog?.isOverfull == true }) {
            try checkpointIfLarge(db, now: MonotonicClock.nanoseconds())
        }
        let version = try Int64.fetchOne(db.cachedStatement(sql: "PRAGMA data_version")) ?? 0
        state.withLock { $0.courtesy.look(dataVersion: version, now: MonotonicClock.nanoseconds()) }
        do {
            try db.cachedStatement(sql: "BEGIN IMMEDIATE").execute()
        } catch {
            // It may have failed past the point where the lock is had.
            if db.isInsideTransaction { try? db.rollback() }
            guard (error as? DatabaseError)?.resultCode == .SQLITE_BUSY else { throw error }
            return nil
        }
        let began = MonotonicClock.nanoseconds()
        let allowed = Allowance(began: began, work: state.withLock { $0.courtesy.workNanoseconds }, steps: steps)
        let result: T
        let worked: UInt64
        do {
            result = try work(db, allowed)
            worked = MonotonicClock.nanoseconds()
            try LogBatching.committing(db) { try db.cachedStatement(sql: "COMMIT").execute() }
        } catch {
            // Some errors (a full volume, an interrupt) have rolled back already; then there is nothing left to roll back.
            if db.isInsideTransaction { try? db.rollback() }
            throw error
        }
        let ended = MonotonicClock.nanoseconds()
        let (pages, logPages) = log.written(db)
        note(Courtesy.Bite(began: began, worked: worked, ended: ended, pages: pages, logPages: logPages), isUrgent)
        try checkpointIfLarge(db, now: ended)
        return result
    }

    private func note(_ bite: Courtesy.Bite, _ isUrgent: Bool) {
        let hold = bite.ended - bite.began
        LockMeter.current?.add(hold)
        state.withLock {
            $0.courtesy.note(bite, isUrgent: isUrgent)
            $0.totals.writes += 1
            $0.totals.holdNanoseconds += hold
            $0.totals.longestHoldNanoseconds = max($0.totals.longestHoldNanoseconds, hold)
            $0.totals.pages += bite.pages
        }
    }

    /// To be called when a long piece of work is done: copies back what it left in the log, if that is far over the limit and nobody else writes.
    /// Otherwise the gateway's next commit would do it, and take as long (0.7 s after a first rollup of five million rows).
    package func settleLog() async throws {
        let isShared = state.withLock { $0.courtesy.isShared }
        guard !isShared else { return }
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            queue.asyncWriteWithoutTransaction { db in
                continuation.resume(with: Result { try self.checkpoint(db, above: 4 * self.pace.walLimitBytes) })
            }
        }
    }

    /// Forgets the pages that its connection keeps; the next bites read what they need again.
    func releaseMemory() async {
        await withCheckedContinuation { continuation in
            queue.asyncWriteWithoutTransaction { db in
                sqlite3_db_release_memory(db.sqliteConnection)
                continuation.resume()
            }
        }
    }

    /// In the middle of work only at twice that: it stops the work for as long as the volume takes.
    private func checkpointIfLarge(_ db: Database, now: UInt64) throws {
        let (next, smallLog, writeback) = state.withLock {
            ($0.nextCheckpoint, $0.courtesy.isShared ? nil : $0.smallLog, $0.writeback)
        }
        if var smallLog {
            switch smallLog.look(log.bytes, holdReads: longReads.hold) {
            case .nothing: writeback?.begin()
            case .begunAnew: longReads.release()
            case .full: try checkpoint(db, above: 0)
            }
            return state.withLock { if $0.smallLog != nil { $0.smallLog = smallLog } }
        }
        writeback?.begin()
        guard now >= next else { return }
        state.withLock { $0.nextCheckpoint = now + 50_000_000 }
        try checkpoint(db, above: 8 * pace.walLimitBytes)
    }

    /// Does work that writes a page or more for each row, such as a purge, with the log kept small: what it holds is copied back as it goes, for as
    /// long as nobody else writes. A gateway's own checkpoints do that while it does.
    func keepingLogSmall<T>(_ work: () async throws -> T) async throws -> T {
        state.withLock { ($0.smallLog, $0.writeback) = (SmallLog(), LogWriteback(of: path)) }
        defer {
            state.withLock { ($0.smallLog, $0.writeback) = (nil, nil) }
            longReads.release()
        }
        return try await work()
    }

    /// PASSIVE and nothing else: it waits for nobody and makes nobody wait. Only far over the limit, because SQLite 3.7.0 to 3.51.2 can
    /// corrupt a WAL database when a checkpoint races another connection's reset of the log (sqlite.org/wal.html, "The WAL-Reset Bug").
    private func checkpoint(_ db: Database, above limit: Int64) throws {
        guard log.bytes > limit else { return }
        var frames: Int32 = 0
        var moved: Int32 = 0
        sqlite3_wal_checkpoint_v2(db.sqliteConnection, nil, SQLITE_CHECKPOINT_PASSIVE, &frames, &moved)
        // The log is begun anew by the next commit that no reader's snapshot keeps from it; until then there is little more to copy back.
        let again: UInt64 = frames == moved ? 2_000_000_000 : 500_000_000
        state.withLock {
            $0.nextCheckpoint = MonotonicClock.nanoseconds() + again
            $0.totals.checkpoints += 1
        }
    }
}
