import CSQLiteConfig
import Foundation
package import GRDB
import GRDBSQLite
import Synchronization

/// The program's one writing connection.
///
/// The gateway must not notice it, so: it asks for the lock without waiting in SQLite's queue and loses every race (its own jittered
/// pause, never a busy handler); it holds the lock for `Pace.hold` at most, a bite at a time; and while anyone else writes
/// (PRAGMA data_version tells: it changes with other connections' commits only) it holds it for `Pace.duty` of the time at most. With nobody else about it
/// goes at full speed, still in short bites, since the next insert may come at any moment.
package final class PoliteWriter: Sendable {
    private let queue: DatabaseQueue
    private let path: String
    package let pace: Pace
    /// Set by tests: ends bites by counting instead of by time.
    private let steps: Allowance.Steps?
    private let state: Mutex<State>

    private struct State {
        var dataVersion: Int64 = -1
        var dataVersionReadAt: UInt64 = 0
        var othersWroteAt: UInt64?
        /// Not before this monotonic time, in nanoseconds, when others write.
        var rest: UInt64 = 0
        /// What a commit takes, as a decaying mean: it is part of the hold but comes after the work.
        var commitNanoseconds: Double = 500_000
        var nextCheckpoint: UInt64 = 0
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
    }

    /// Others count as writing for this long after a commit of theirs was seen.
    private static let recently: UInt64 = 1_000_000_000

    init(queue: DatabaseQueue, path: String, pace: Pace, steps: Allowance.Steps?) {
        self.queue = queue
        self.path = path
        self.pace = pace
        self.steps = steps
        state = Mutex(State())
    }

    package var totals: Totals { state.withLock { $0.totals } }

    /// Runs `work` in one BEGIN IMMEDIATE … COMMIT, all or nothing. A cancelled task still finishes the bite in hand.
    ///
    /// - Throws: `StorageError` of kind `locked` when the lock was not to be had for `Pace.patience`; what `work` throws, after a rollback.
    ///
    /// - Parameter firesTriggers: false but for writes that other programs' triggers are to see: the contract's updated_at triggers cost a
    ///   daily total twice what writing it costs (measured), and what the rollup writes sets updated_at itself.
    package func write<T: Sendable>(
        _ operation: String, firesTriggers: Bool = false, _ work: @escaping @Sendable (Database, Allowance) throws -> T
    ) async throws -> T {
        await rest()
        let started = MonotonicClock.nanoseconds()
        var pause: UInt64 = 300_000
        while true {
            if let result = try await attempt(operation, firesTriggers, work) { return result }
            let waited = MonotonicClock.nanoseconds() - started
            state.withLock {
                $0.totals.lostRaces += 1
                $0.totals.waitNanoseconds += pause
            }
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
    private func rest() async {
        let (until, isShared) = state.withLock { ($0.rest, $0.othersWroteAt != nil) }
        let now = MonotonicClock.nanoseconds()
        guard isShared, until > now, steps == nil else { return }
        // A cancelled sleep returns at once: the bite that follows is the last one.
        try? await Task.sleep(nanoseconds: until - now)
    }

    /// Nil when the race for the lock was lost.
    private func attempt<T: Sendable>(
        _ operation: String, _ firesTriggers: Bool, _ work: @escaping @Sendable (Database, Allowance) throws -> T
    ) async throws -> T? {
        let answer: Result<T?, any Error> = await withCheckedContinuation { continuation in
            // Not GRDB's async methods: they interrupt the statement in hand when the task is cancelled.
            queue.asyncWriteWithoutTransaction { db in
                continuation.resume(
                    returning: Result {
                        if firesTriggers { csqliteconfig_fire_triggers(db.sqliteConnection, 1) }
                        defer { if firesTriggers { csqliteconfig_fire_triggers(db.sqliteConnection, 0) } }
                        return try self.transact(db, work)
                    })
            }
        }
        do {
            return try answer.get()
        } catch {
            throw StorageError.wrapping(error, cannot: operation, path)
        }
    }

    private func transact<T>(_ db: Database, _ work: (Database, Allowance) throws -> T) throws -> T? {
        if db.isInsideTransaction { try db.rollback() }
        noteOthers(try Int64.fetchOne(db.cachedStatement(sql: "PRAGMA data_version")) ?? 0)
        do {
            try db.beginTransaction(.immediate)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
            return nil
        }
        let began = MonotonicClock.nanoseconds()
        let allowed = allowance(from: began)
        let result: T
        let worked: UInt64
        do {
            result = try work(db, allowed)
            worked = MonotonicClock.nanoseconds()
            try db.commit()
        } catch {
            // Some errors (a full volume, an interrupt) have rolled back already; then there is nothing left to roll back.
            if db.isInsideTransaction { try? db.rollback() }
            throw error
        }
        let ended = MonotonicClock.nanoseconds()
        noteHold(began: began, worked: worked, ended: ended)
        try checkpointIfLarge(db, now: ended)
        return result
    }

    private func noteOthers(_ version: Int64) {
        let now = MonotonicClock.nanoseconds()
        state.withLock {
            // Only between two bites: that somebody wrote during a long pause of ours says nothing of now.
            if $0.dataVersion != version, now - $0.dataVersionReadAt < Self.recently / 20 { $0.othersWroteAt = now }
            if let seen = $0.othersWroteAt, now - seen > Self.recently { $0.othersWroteAt = nil }
            $0.dataVersion = version
            $0.dataVersionReadAt = now
        }
    }

    private func allowance(from began: UInt64) -> Allowance {
        let (commit, isShared) = state.withLock { ($0.commitNanoseconds, $0.othersWroteAt != nil) }
        // With nobody about there is no tail to keep short, and fewer bites have fewer commits.
        let target = Double(pace.hold / .nanoseconds(1)) * (isShared ? 0.3 : 0.8)
        let work = max(target - commit, target / 4)
        return Allowance(deadline: began + UInt64(work), steps: steps)
    }

    private func noteHold(began: UInt64, worked: UInt64, ended: UInt64) {
        let hold = ended - began
        state.withLock {
            $0.commitNanoseconds += (Double(ended - worked) - $0.commitNanoseconds) / 8
            $0.rest = ended + UInt64(Double(hold) * (1 / pace.duty - 1))
            $0.totals.writes += 1
            $0.totals.holdNanoseconds += hold
            $0.totals.longestHoldNanoseconds = max($0.totals.longestHoldNanoseconds, hold)
        }
    }

    /// PASSIVE and nothing else: it waits for nobody and makes nobody wait. Only at four times the limit, because SQLite 3.7.0 to 3.51.2 can
    /// corrupt a WAL database when a checkpoint races another connection's reset of the log (sqlite.org/wal.html, "The WAL-Reset Bug").
    private func checkpointIfLarge(_ db: Database, now: UInt64) throws {
        guard now >= state.withLock({ $0.nextCheckpoint }) else { return }
        let attributes = try? FileManager.default.attributesOfItem(atPath: path + "-wal")
        let size = (attributes?[.size] as? NSNumber)?.int64Value ?? 0
        state.withLock { $0.nextCheckpoint = now + 50_000_000 }
        guard size > 4 * pace.walLimitBytes else { return }
        var frames: Int32 = 0
        var moved: Int32 = 0
        sqlite3_wal_checkpoint_v2(db.sqliteConnection, nil, SQLITE_CHECKPOINT_PASSIVE, &frames, &moved)
        // The file does not shrink, so after a checkpoint its size says nothing until the log has been written over once more.
        let again: UInt64 = frames == moved ? 2_000_000_000 : 500_000_000
        state.withLock {
            $0.nextCheckpoint = MonotonicClock.nanoseconds() + again
            $0.totals.checkpoints += 1
        }
    }
}
