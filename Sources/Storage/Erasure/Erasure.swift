import Foundation
import GRDB
package import Scheduling
import Synchronization

/// Removes a person from the database and from every archive file, and keeps every total.
///
/// Usage goes to a pseudonym that nothing derives from the person; everything else of theirs goes. In this order, each step in bites, each bite one
/// transaction that asks for holds and for the term:
///
/// 1. Look: every table and every archive file is read. What can't be read, a column that nobody knows, or a hold ends it here, before anything is
///    touched.
/// 2. The erasure is put on record (`ErasureRecord`), everything is counted, and the totals are noted (`ErasureProof`).
/// 3. Keys and sessions go, so that the gateway lets nobody in.
/// 4. Usage rows get the pseudonym, and a random request id. The change log tells the rollup, which moves the sums. What is left of the person's
///    totals is of rows that were purged: these are merged into the pseudonym's.
/// 5. All other tables by their `ErasureRule`, then the archive files.
/// 6. Steps 3 to 5 again where rows came meanwhile. Then the totals are compared, and the receipt is written in the transaction that forgets the person's
///    name.
///
/// It may be cut at any place: the next one finds its record and goes on under the same pseudonym. Nobody else may count or purge meanwhile: whoever
/// runs it holds the owner's lock.
package struct Erasure: Sendable {
    let store: Store
    let zone: Zone
    let term: Term?
    let files: ArchiveFiles
    let user: String
    /// Who takes archives on, also those that are written anew; nil: they stay in their folder.
    let handover: ArchiveHandover?
    let exceptions: Exceptions
    let rollupLimits: Rollup.Limits
    let now: @Sendable () -> Instant

    /// What an operator lets stay, by name, because nothing else is possible.
    package struct Exceptions: Sendable, Equatable {
        /// Columns of an operator's own, as `table.column`, that are left as they are.
        package var columns: Set<String>
        /// Archive files that can't be read, by their path on record.
        package var archives: Set<String>

        package init(columns: Set<String> = [], archives: Set<String> = []) {
            self.columns = columns
            self.archives = archives
        }
    }

    package struct Outcome: Sendable, Equatable {
        package var pseudonym = ""
        /// Rows by table, over all runs of this erasure; "archive_files" and "archived_rows" besides.
        package var counts: [String: Int] = [:]
        /// Keys (day and model) whose sums were compared, and what they add up to.
        package var comparedKeys = 0
        package var requests: Int128 = 0
        package var tokens: Int128 = 0
        package var cost = Money(nanos: 0)
        /// Requests that others added or took away meanwhile.
        package var requestsOfOthers: Int128 = 0
        /// False when it was asked to stop; the same goes on from there.
        package var isComplete = true

        package init() {}

        init(_ pseudonym: String, _ counts: [String: Int], _ result: ErasureProof.Result) {
            self.pseudonym = pseudonym
            self.counts = counts
            comparedKeys = result.keys
            requests = result.requests
            tokens = result.tokens
            cost = Money(nanos: result.costNanos)
            requestsOfOthers = result.requestsOfOthers
        }
    }

    /// How often rows that came meanwhile are followed.
    private static let mostPasses = 8
    /// Usage rows that are re-keyed before the rollup counts them: the change log holds two images of each.
    static let rowsBetweenRollups = 100_000

    package init(
        of user: String, store: Store, zone: Zone, term: Term? = nil, files: ArchiveFiles = .system,
        handover: ArchiveHandover? = nil, exceptions: Exceptions = Exceptions(),
        rollupLimits: Rollup.Limits = Rollup.Limits(),
        now: @escaping @Sendable () -> Instant
    ) {
        self.user = user
        self.store = store
        self.zone = zone
        self.term = term
        self.files = files
        self.handover = handover
        self.exceptions = exceptions
        self.rollupLimits = rollupLimits
        self.now = now
    }

    /// A run's own state, passed along.
    struct Run: Sendable {
        let record: ErasureRecord
        let proof: ErasureProof
        let shouldStop: @Sendable () -> Bool
        let progress: @Sendable (String) -> Void
        let scanned = Scanned()

        func check() throws {
            if shouldStop() { throw Stopped() }
        }
    }

    /// Up to which row the tables have been read that are read from end to end.
    final class Scanned: Sendable {
        private let last = Mutex<[String: Int64]>([:])

        func note(_ row: Int64, of table: String) { last.withLock { $0[table] = row } }
        func last(of table: String) -> Int64 { last.withLock { $0[table] ?? .min } }
    }

    /// Asked to stop between two bites.
    struct Stopped: Error {}

    /// - Throws: `StorageError`: of kind `held`, `archiveDamaged`, `missing` or `failed` for what stands in the way, before anything was touched; of kind
    ///   `totalsDiffer` when a total is not what it was.
    package func run(
        shouldStop: @escaping @Sendable () -> Bool = { false },
        progress: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws -> Outcome {
        let plan = try await plan(progress: progress)
        if let obstacle = plan.obstacles.first { throw obstacle }
        guard plan.hasAnything else { return Outcome() }
        let pace = store.writer.pace
        var overwriting = pace
        overwriting.secureDelete = .on
        store.writer.change(to: overwriting)
        defer { store.writer.change(to: pace) }
        do {
            return try await erase(plan, shouldStop, progress)
        } catch {
            guard error is Stopped else { throw error }
            var outcome = Outcome()
            outcome.isComplete = false
            return outcome
        }
    }

    private func erase(
        _ plan: Plan, _ shouldStop: @escaping @Sendable () -> Bool, _ progress: @escaping @Sendable (String) -> Void
    ) async throws -> Outcome {
        let (user, zone, now, term) = (user, zone, now, term)
        let record = try await store.writer.write("begin an erasure in") { db, _ in
            try term?.check(db)
            try Self.checkHolds(db, user, zone, now())
            return try ErasureRecord.findOrBegin(user, now: now(), db)
        }
        progress("counting what is not counted yet")
        try await rollUp(nil, shouldStop)
        let proof = try await store.read("note the totals of") { db in
            try ErasureProof(db, record: record, zone: zone)
        }
        let run = Run(record: record, proof: proof, shouldStop: shouldStop, progress: progress)
        try await keepGreatestLatencies(run)
        for pass in 1...Self.mostPasses {
            try await eraseTables(run, isFirst: pass == 1)
            if pass == 1 { try await eraseArchives(plan.archives, run) }
            guard try await isGone(run) else { continue }
            let result = try await store.read("compare the totals of") { db in try proof.compare(db) }
            guard result.differences.isEmpty else { throw Self.differ(result) }
            if let outcome = try await end(run, result) { return outcome }
        }
        throw StorageError(
            .failed, cannot: "finish erasing", "the user", because: "new rows of theirs keep coming",
            remedy: "Stop their requests at the gateway, and run the same again: it goes on from there.")
    }

    private static func differ(_ result: ErasureProof.Result) -> StorageError {
        let shown = result.differences.prefix(5).joined(separator: "; ")
        let more = result.differences.count > 5 ? "; and \(result.differences.count - 5) more" : ""
        return StorageError(
            .totalsDiffer, cannot: "finish erasing", "the user",
            because: "totals are not what they were: \(shown)\(more)",
            remedy:
                "A price that changed meanwhile does this, and so does an earlier drift, which `tallyd rollup verify` names. Mend it, and run the same again: it goes on from there."
        )
    }

    /// One bite.
    ///
    /// Triggers fire: the change log's are the way of the sums, and an operator's own are to see what happens to their rows.
    func write<T: Sendable>(
        _ operation: String, _ work: @escaping @Sendable (Database, Allowance, inout ErasureHolds) throws -> T
    ) async throws -> T {
        let (user, zone, now, term) = (user, zone, now, term)
        return try await store.writer.write(operation, firesTriggers: true) { db, allowance in
            try term?.check(db)
            var holds = try Self.checkHolds(db, user, zone, now())
            return try work(db, allowance, &holds)
        }
    }

    /// - Throws: `StorageError` of kind `held` where one names the person.
    @discardableResult
    private static func checkHolds(_ db: Database, _ user: String, _ zone: Zone, _ now: Instant) throws -> ErasureHolds
    {
        let holds = try ErasureHolds(db, user: user, zone: zone, now: now)
        if let hold = holds.personal { throw ErasureHolds.refusal(hold) }
        return holds
    }

    /// Counts everything. Nil before there are figures to watch.
    func rollUp(_ proof: ErasureProof?, _ shouldStop: @Sendable () -> Bool) async throws {
        let rollup = Rollup(store: store, zone: zone, term: term, limits: rollupLimits, watch: proof?.watch, now: now)
        let outcome = try await rollup.run(shouldStop: shouldStop)
        guard outcome.isComplete else { throw Stopped() }
    }

    // MARK: The end

    /// Whether nothing of the person is left, as one snapshot has it.
    private func isGone(_ run: Run) async throws -> Bool {
        let user = user
        return try await store.read("look for what is left in") { db in
            let hasTotals =
                try Bool.fetchOne(
                    db, sql: "SELECT EXISTS (SELECT 1 FROM daily_usage_stats WHERE user_id = ?)", arguments: [user])
                ?? true
            return hasTotals ? false : try Self.isGone(db, user, run)
        }
    }

    /// By indexes, and of the one short table without an index. Of those that are read from end to end only what came since: their rows' numbers only
    /// grow, and nobody gives one of them to another person.
    private static func isGone(_ db: Database, _ user: String, _ run: Run) throws -> Bool {
        let rules = ErasureRule.all.filter { $0.treatment == .rekeyed || $0.treatment == .deleted }
        let tables =
            rules.map {
                ($0.table, $0.isIndexed ? $0.isOwn : "rowid > \(run.scanned.last(of: $0.table)) AND \($0.isOwn)")
            }
            + [("usage_changes", "user_id = ?1")]
        return try tables.allSatisfy { table, condition in
            try Bool.fetchOne(
                db, sql: "SELECT NOT EXISTS (SELECT 1 FROM \(table) WHERE \(condition))", arguments: [user]) ?? false
        }
    }

    /// The receipt, and the person's name forgotten. Nil when rows came meanwhile.
    private func end(_ run: Run, _ result: ErasureProof.Result) async throws -> Outcome? {
        let (user, now, exceptions) = (user, now, exceptions)
        return try await write("end an erasure in") { db, _, _ in
            guard try Self.isGone(db, user, run) else { return nil }
            let counts = try run.record.counts(db)
            try run.record.end(now: now(), db)
            var facts = counts.mapValues { "\($0)" }
            facts["compared_totals"] = "\(result.keys)"
            facts["requests"] = "\(result.requests)"
            facts["tokens"] = "\(result.tokens)"
            facts["cost_nanos"] = "\(result.costNanos)"
            if !exceptions.columns.isEmpty {
                facts["columns_left"] = exceptions.columns.sorted().joined(separator: ", ")
            }
            if !exceptions.archives.isEmpty {
                facts["archives_left"] = exceptions.archives.sorted().joined(separator: ", ")
            }
            try AuditTrail.note(
                "user.erased", on: "erasures", id: run.record.pseudonym, facts: facts, now: now(), db)
            return Outcome(run.record.pseudonym, counts, result)
        }
    }
}
