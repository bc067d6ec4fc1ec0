import Scheduling
import Storage

/// All that `tallyd status` knows, read once.
struct Overview: Sendable {
    let path: String
    let zone: Zone
    let schema: Migrator.Status
    let rollup: RollupStatus
    /// Who counts: what the process that holds the lock says of itself; nil when nobody does.
    let holder: String?
    let webhooks: OutboxReport.Summary
    /// The newest first.
    let runs: [JobLedger.Run]
    let sqlite: String
    let now: Instant

    private static let fewRuns = 5

    static func read(_ database: UsageDatabase) async throws -> Overview {
        Overview(
            path: database.path,
            zone: database.zone,
            schema: database.schema,
            rollup: try await RollupStatus.read(database.store),
            holder: OwnerLock.holder(database: database.path),
            webhooks: try await OutboxReport(store: database.store).summary(),
            runs: try await JobLedger(store: database.store).latest(fewRuns),
            sqlite: Store.sqliteVersion,
            now: WallClock.now())
    }

    /// Seconds since the oldest row that is not counted was made; 0 when all are, nil when its time can't be read.
    var lagSeconds: Int64? {
        guard rollup.lagRows > 0 else { return 0 }
        return rollup.oldestUncounted.map { max(0, (now.milliseconds - $0.milliseconds) / 1_000) }
    }

    /// True for 3.7.0 to 3.51.2 (sqlite.org/wal.html, "The WAL-Reset Bug").
    static func hasWALResetBug(_ version: String) -> Bool {
        let parts = version.split(separator: ".").compactMap { Int($0) }
        return !parts.lexicographicallyPrecedes([3, 7, 0]) && parts.lexicographicallyPrecedes([3, 51, 3])
    }
}
