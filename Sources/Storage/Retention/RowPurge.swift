import GRDB
import Scheduling

/// Removing rows of a table by their own time, by archives: what is due is grouped by the day from which its age counts, and each day's rows go by a
/// part of their own. A conversation goes with its messages: two files of the same day and part.
struct RowPurge: Sendable {
    let scan: RetentionScan
    let parts: ArchiveParts
    /// Tells this run from others in the audit log.
    let run: String

    private var store: Store { parts.store }
    private var source: ArchiveSource { .main(of: scan.table) }

    /// Rows that are found before they are written, at 16 bytes each; of conversations fewer, as each brings its messages.
    private var mostAhead: Int { scan.table == .conversations ? 20_000 : 200_000 }

    /// - Throws: as `ArchiveRounds` does. What was removed by then stands in `outcome`.
    func purge(_ outcome: inout DayPurge.Outcome, shouldStop: @escaping @Sendable () -> Bool) async throws {
        var damage: (any Error)?
        do {
            try await finish(&outcome, shouldStop)
        } catch let error as StorageError where error.kind == .archiveDamaged || error.kind == .missing {
            // What is left of its rows is archived anew below.
            damage = error
        }
        try await purgeDue(&outcome, shouldStop)
        if let damage { throw damage }
    }

    private func purgeDue(
        _ outcome: inout DayPurge.Outcome, _ shouldStop: @escaping @Sendable () -> Bool
    ) async throws {
        var after: Int64? = .min
        while after != nil, outcome.isComplete {
            var due: [RetentionScan.Due] = []
            while let position = after, due.count < mostAhead {
                if shouldStop() {
                    outcome.isComplete = false
                    return
                }
                let part = try await store.readOneOfMany("find old rows of") { [scan, zone = parts.zone] db in
                    try scan.read(db, after: position, zone: zone)
                }
                parts.progress()
                due += part.due
                after = part.last
            }
            for (day, ids) in byDay(due) where outcome.isComplete {
                try await purge(day, ids, &outcome, shouldStop)
            }
        }
    }

    /// Oldest first.
    private func byDay(_ due: [RetentionScan.Due]) -> [(Day, [Int64])] {
        var calendar = DayCalendar(zone: parts.zone)
        var days: [Day: [Int64]] = [:]
        for row in due {
            days[Day(scan.day(of: row.since, &calendar)) ?? .first, default: []].append(row.rowID)
        }
        return days.sorted { $0.key < $1.key }
    }

    /// By parts whose purge was cut: their rows are archived already.
    private func finish(_ outcome: inout DayPurge.Outcome, _ shouldStop: @escaping @Sendable () -> Bool) async throws {
        let entries = try await store.read("read the archives of") { [table = scan.table] db in
            // Messages first: their conversation can't go before them.
            try table.archiveNames.reversed().compactMap(ArchiveSource.named).flatMap {
                try ArchiveManifest.unused(db, $0)
            }
        }
        for (_, day) in Dictionary(grouping: entries, by: \.day).sorted(by: { $0.key < $1.key })
        where outcome.isComplete {
            var waiting = day.map { ArchivePart(entry: $0, opened: nil) }
            try await rounds(&outcome, shouldStop) { _, _ in
                defer { waiting = [] }
                return waiting
            }
        }
    }

    private func purge(
        _ day: Day, _ ids: [Int64], _ outcome: inout DayPurge.Outcome,
        _ shouldStop: @escaping @Sendable () -> Bool
    ) async throws {
        var removedBefore = -1
        try await rounds(&outcome, shouldStop) { anew, removed in
            // What a round has left for another reason than a change, such as a message that came meanwhile, is the next run's.
            guard anew || removed > removedBefore else { return [] }
            removedBefore = removed
            return try await prepare(day, ids, shouldStop)
        }
    }

    private func rounds(
        _ outcome: inout DayPurge.Outcome, _ shouldStop: @escaping @Sendable () -> Bool,
        prepare: (_ anew: Bool, _ removed: Int) async throws -> [ArchivePart]
    ) async throws {
        let isComplete = try await ArchiveRounds.run(
            shouldStop: shouldStop, prepare: { anew in try await prepare(anew, outcome.removed) },
            remove: { part in try await remove(part, &outcome, shouldStop) },
            markUsed: { used in try await parts.markUsed(used, now: scan.believed) })
        if !isComplete { outcome.isComplete = false }
    }

    // MARK: Writing

    /// Parts of those rows that may go now; none when there is none.
    private func prepare(
        _ day: Day, _ ids: [Int64], _ shouldStop: @escaping @Sendable () -> Bool
    ) async throws -> [ArchivePart] {
        let due = try await inChunks(ids) { [scan, zone = parts.zone] db, chunk in
            try scan.stillDue(db, chunk, on: day, zone: zone)
        }
        guard !due.isEmpty else { return [] }
        let sources = scan.table.archiveNames.compactMap(ArchiveSource.named)
        let part = try await store.read("read the archives of") { db in
            // One number for both files of a conversation's day.
            try sources.compactMap { try ArchiveManifest.list(db, $0, on: day).last?.part }.max() ?? 0
        }
        var written: [ArchiveParts.Written] = []
        if scan.table == .conversations {
            let messages = try await inChunks(due) { db, chunk in try RetentionScan.messages(db, of: chunk) }
            if !messages.isEmpty {
                written += try await [parts.write(.messages, day, part: part + 1, messages, now: scan.believed)]
                    .compactMap(\.self)
            }
        }
        let own = try await parts.write(source, day, part: part + 1, due, now: scan.believed)
        guard let own else {
            if scan.table == .rejects { try await forget(due) }
            return []
        }
        return try await parts.record(written + [own], now: scan.believed, shouldStop)
    }

    /// 0.1 to 0.2 s of reading by id.
    private static let idsPerSnapshot = 20_000

    private func inChunks(
        _ ids: [Int64], _ read: @escaping @Sendable (Database, ArraySlice<Int64>) throws -> [Int64]
    ) async throws -> [Int64] {
        var found: [Int64] = []
        var rest = ids[...]
        while !rest.isEmpty {
            let chunk = rest.prefix(Self.idsPerSnapshot)
            rest = rest.dropFirst(chunk.count)
            found += try await store.readOneOfMany("find old rows of") { db in try read(db, chunk) }
            parts.progress()
        }
        return found
    }

    /// Drops what is noted of rows that somebody else has removed: there is nothing of them to archive.
    private func forget(_ ids: [Int64]) async throws {
        var rest = ids[...]
        while !rest.isEmpty {
            let batch = rest
            rest = rest.dropFirst(
                try await store.writer.write("purge \(scan.table.rawValue) of") {
                    [scan, term = parts.term] db, allowance in
                    try term?.check(db)
                    var looked = 0
                    for id in batch where looked == 0 || !allowance.isSpent {
                        try scan.forgetReject(db, id)
                        looked += 1
                    }
                    return looked
                })
        }
    }

    // MARK: Removing

    private func remove(
        _ part: ArchivePart, _ outcome: inout DayPurge.Outcome, _ shouldStop: @Sendable () -> Bool
    ) async throws -> ArchiveRounds.Ending {
        guard let source = ArchiveSource.named(part.entry.table) else { return .differs }
        let (columns, reader) = try part.verified(parts.files)
        let shape = try await store.read("read the columns of") { db in try source.shape(db) }
        guard columns == shape.columns else { return .differs }
        let queue = ArchiveQueue(reader, shape, owner: source == .messages ? "conversation_id" : nil)
        let day = part.entry.day
        return try await queue.goThrough { lines in
            if shouldStop() { return .end(.stopped) }
            do {
                let done = try await store.writer.write("purge \(source.name) of") {
                    [scan, run, term = parts.term] db, allowance in
                    try term?.check(db)
                    let done = try scan.remove(db, lines, of: source, shape, on: day, allowance)
                    if done.removed > 0 {
                        try AuditTrail.notePurge(
                            of: scan.table, day: day.description, rows: done.removed, run: run, now: scan.believed, db)
                    }
                    return done
                }
                if source != .messages {
                    outcome.removed += done.removed
                    outcome.kept += done.looked - done.removed
                }
                parts.progress()
                return .took(done.looked)
            } catch is DayPurge.Stale {
                return .end(.differs)
            }
        }
    }
}
