import GRDB
package import Scheduling

/// The right to write for as long as nobody else has taken over: a number that only grows, kept in the database (table tallyd_lease).
package struct Term: Sendable, Equatable {
    package let number: Int64

    /// Called inside every writing transaction of a job.
    ///
    /// - Throws: `StorageError` of kind `leaseLost` when another daemon has taken over.
    func check(_ db: Database) throws {
        let present = try Int64.fetchOne(db.cachedStatement(sql: "SELECT term FROM tallyd_lease WHERE id = 1"))
        guard present == number else {
            throw StorageError(
                .leaseLost, cannot: "write", "with term \(number)",
                because: "another tallyd has taken over (term \(present ?? 0))",
                remedy: "Only one daemon serves a database; this one stops writing.")
        }
    }

    /// Raises the term and notes who holds it.
    package static func take(_ store: Store, holder: String, now: Instant) async throws -> Term {
        try await store.writer.write("take the lease of") { db, _ in
            try db.execute(
                sql: "UPDATE tallyd_lease SET term = term + 1, holder = ?, acquired_at_ms = ? WHERE id = 1",
                arguments: [holder, now.milliseconds])
            return Term(number: try Int64.fetchOne(db, sql: "SELECT term FROM tallyd_lease WHERE id = 1") ?? 0)
        }
    }
}
