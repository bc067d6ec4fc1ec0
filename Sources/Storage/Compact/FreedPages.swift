import GRDB

/// Gives free pages back to the file system, where the file was made for it (`PRAGMA auto_vacuum` is incremental).
///
/// A tenth of the file stays free: the gateway's next rows are written there, and a file without free pages grows with each of them, by pages
/// that the next run would have to move once more. Each page that is given back is moved from the file's end to a free one further in, and its
/// parent is told, so a page costs about three; hence the bites. The file itself becomes shorter with the next checkpoint.
struct FreedPages: Sendable {
    let store: Store
    let term: Term?

    struct Outcome: Sendable, Equatable {
        var bytes: Int64 = 0
        /// False when it was asked to stop before the reserve was reached.
        var isComplete = true
    }

    /// So many pages between two questions whether the bite is spent. Few: SQLite looks through the freelist for each.
    private static let step = 4
    /// One page of so many is kept free.
    private static let reserve: Int64 = 10

    /// - Parameter progress: called after every bite.
    /// - Throws: `StorageError`; of kind `leaseLost` when another daemon has taken over.
    func giveBack(
        shouldStop: @escaping @Sendable () -> Bool, progress: @escaping @Sendable () -> Void
    ) async throws -> Outcome {
        // Most files are of the other kind, and those that are not mostly have little to give: no lock for that.
        guard try await store.read("measure", { db in try Self.surplus(FileSpace.read(db)) }) > 0 else {
            return Outcome()
        }
        return try await store.writer.keepingLogSmall {
            var outcome = Outcome()
            while true {
                guard !shouldStop() else {
                    outcome.isComplete = false
                    return outcome
                }
                let bite = try await bite()
                outcome.bytes += bite.bytes
                progress()
                if bite.isLast { return outcome }
            }
        }
    }

    private func bite() async throws -> (bytes: Int64, isLast: Bool) {
        let term = term
        return try await store.writer.write("give free pages back from") { db, allowance in
            try term?.check(db)
            let before = try FileSpace.read(db)
            var left = Self.surplus(before)
            var space = before
            while left > 0 {
                try db.execute(sql: "PRAGMA incremental_vacuum(\(min(left, Int64(Self.step))))")
                let now = try FileSpace.read(db)
                // Whatever keeps SQLite from it, the next try would be the same.
                guard now.pages < space.pages else { return (before.bytes - now.bytes, true) }
                space = now
                left = Self.surplus(space)
                if allowance.isSpent { break }
            }
            return (before.bytes - space.bytes, left == 0)
        }
    }

    /// Pages to give back until a tenth of what is left is free.
    static func surplus(_ space: FileSpace) -> Int64 {
        guard space.autoVacuum == .incremental else { return 0 }
        // (free - x) <= (pages - x) / 10, in whole pages
        let excess = space.freePages * reserve - space.pages
        return excess > 0 ? (excess + reserve - 2) / (reserve - 1) : 0
    }
}
