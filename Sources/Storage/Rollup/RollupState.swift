import GRDB

/// How far usage_logs has been counted: the one row of rollup_state.
package struct RollupState: Sendable, Equatable {
    /// Every row with an id up to this has been counted.
    package var cursor: Int64
    /// While a batch is applied in parts: the last id of it; else the cursor.
    package var batchEnd: Int64
    /// Rows up to this are spoken for: the change log records what happens to them.
    package var claim: Int64
    /// While a batch is applied: keys up to this one have been.
    var applied: (user: String, model: String)?
    var appliedHistograms: Int
    package var isAdopted: Bool
    package var zone: String?

    /// True while (cursor, batchEnd] is being applied in parts.
    package var isInBatch: Bool { batchEnd > cursor }
    /// True while claimed rows are to be counted.
    package var hasClaim: Bool { claim > cursor }

    package static func == (left: RollupState, right: RollupState) -> Bool {
        left.cursor == right.cursor && left.batchEnd == right.batchEnd && left.claim == right.claim
            && left.applied?.user == right.applied?.user
            && left.applied?.model == right.applied?.model && left.appliedHistograms == right.appliedHistograms
            && left.isAdopted == right.isAdopted && left.zone == right.zone
    }

    static func read(_ db: Database) throws -> RollupState {
        let row = try Row.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT cursor, batch_end, claim, applied_user, applied_model, applied_histograms, adopted, zone
                    FROM rollup_state
                    WHERE id = 1
                    """))
        guard let row else {
            throw StorageError(
                .pendingMigration, cannot: "read", "rollup_state", because: "its one row is missing",
                remedy: "Run `tallyd migrate`.")
        }
        let user: String? = row[3]
        let model: String? = row[4]
        return RollupState(
            cursor: row[0], batchEnd: row[1], claim: row[2], applied: user.flatMap { user in model.map { (user, $0) } },
            appliedHistograms: row[5], isAdopted: row[6], zone: row[7])
    }
}
