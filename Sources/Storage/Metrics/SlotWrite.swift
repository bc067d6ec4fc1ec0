import GRDB

/// A unit of writing that somebody else's transaction carries out: what a job wants written in its slot. The ledger of runs executes it
/// beside the slot's own row, so that both are there or neither is.
///
/// Made in this room alone: whoever passes it on sees no SQL.
package struct SlotWrite: Sendable {
    /// How many rows it writes.
    package let rows: Int64
    /// Holds the write lock for as long as it takes, so whatever can be worked out before is. May be called again after a rollback.
    let body: @Sendable (Database) throws -> Void

    init(rows: Int64, body: @escaping @Sendable (Database) throws -> Void) {
        self.rows = rows
        self.body = body
    }

    /// Carries it out in a transaction of its own, for whoever has no slot.
    package func perform(in store: Store) async throws {
        let body = body
        try await store.writer.write("write to") { db, _ in try body(db) }
    }
}
