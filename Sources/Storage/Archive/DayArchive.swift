import GRDB
package import Scheduling

/// The archives of the rows of sealed days.
package struct DayArchive: Sendable {
    let parts: ArchiveParts

    package init(
        store: Store, zone: Zone, term: Term?, folder: String, files: ArchiveFiles = .system,
        handover: ArchiveHandover? = nil, progress: @escaping @Sendable () -> Void = {}
    ) {
        parts = ArchiveParts(
            store: store, zone: zone, term: term, folder: folder, files: files, handover: handover, progress: progress)
    }

    init(_ parts: ArchiveParts) {
        self.parts = parts
    }

    /// The part that a purge of the day goes by: one that is there and not used up, or a new one of the rows that may go now. Nil where none may.
    ///
    /// - Parameter anew: whether a part that is there won't do: a row differed from it.
    /// - Throws: what writing a file throws, and what an `ArchiveHandover` does; nothing of the day may go then.
    package func prepare(
        _ day: Day, _ terms: DayPurge.Terms, anew: Bool, shouldStop: @escaping @Sendable () -> Bool = { false }
    ) async throws -> ArchivePart? {
        let zone = parts.zone
        let last = try await parts.store.read("read the archives of") { db in
            try ArchiveManifest.list(db, .usageLogs, on: day).last
        }
        if !anew, let last, last.usedAt == nil { return ArchivePart(entry: last, opened: nil) }
        let ids = try await parts.store.readOneOfMany("find rows of \(day) in") { db in
            try DayPurge.findUnheld(db, day, zone, terms)
        }
        guard !ids.isEmpty,
            let written = try await parts.write(
                .usageLogs, day, part: (last?.part ?? 0) + 1, ids, now: terms.now)
        else { return nil }
        return try await parts.record([written], now: terms.now, shouldStop) { db in
            try db.execute(
                sql: "UPDATE usage_days SET state = 'verified', changed_at_ms = ? WHERE date = ? AND state = 'sealed'",
                arguments: [terms.now.milliseconds, day.description])
        }.first
    }
}
