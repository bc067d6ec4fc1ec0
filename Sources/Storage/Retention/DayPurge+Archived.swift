import Foundation
import GRDB
package import Scheduling

/// Purging by an archive: only rows that stand in its file go, and each only if what is deleted is, byte for byte, the file's line.
extension DayPurge {
    /// Removes a sealed day's counted rows as far as the terms allow, each after it was proven to be in an archive.
    ///
    /// - Parameter ahead: the part that `archive` prepared for it before; nil where it did not.
    /// - Throws: as `DayArchive.prepare` and `ArchiveRounds` do.
    package func purge(
        _ day: Day, _ terms: Terms, by archive: DayArchive, ahead: ArchivePart? = nil,
        shouldStop: @escaping @Sendable () -> Bool = { false }
    ) async throws -> Outcome {
        var outcome = Outcome()
        outcome.isComplete = try await ArchiveRounds.run(
            ahead: ahead.map { [$0] } ?? [], shouldStop: shouldStop,
            prepare: { anew in
                try await archive.prepare(day, terms, anew: anew, shouldStop: shouldStop).map { [$0] } ?? []
            },
            remove: { part in try await remove(part, terms, archive.parts.files, shouldStop, &outcome) },
            markUsed: { parts in try await archive.parts.markUsed(parts, now: terms.now) })
        if outcome.isComplete { try await close(day, terms) }
        return outcome
    }

    private func remove(
        _ part: ArchivePart, _ terms: Terms, _ files: ArchiveFiles, _ shouldStop: @escaping @Sendable () -> Bool,
        _ outcome: inout Outcome
    ) async throws -> ArchiveRounds.Ending {
        let (columns, reader) = try part.verified(files)
        let shape = try await store.read("read the columns of", on: 1) { db in
            try ArchiveSource.usageLogs.shape(db)
        }
        guard columns == shape.columns, shape.id != nil, let userColumn = columns.firstIndex(of: "user_id") else {
            return .differs
        }
        // Where nobody has terms of their own there is nothing to ask a line.
        guard !terms.users.isEmpty || terms.othersMayGo else { return .done }
        let mayGo: @Sendable ([ArchiveValue]) -> Bool = { values in
            // A counted row's user is a text; a line that says otherwise is no counted row.
            guard case .text(let user) = values[userColumn] else { return false }
            return user.withUnsafeBufferPointer { terms.mayGo($0) }
        }
        var patience = Self.patience
        return try await ArchiveQueue(reader, shape, where: terms.users.isEmpty ? nil : mayGo).goThrough { lines in
            if shouldStop() { return .end(.stopped) }
            let done = try await bites(
                of: lines, id: { $0.id ?? .min }, part.entry.day, terms, shouldStop
            ) { db, lines, allowance in
                try Self.delete(db, lines, part.entry.day, terms, shape, allowance)
            }
            outcome.removed += done.removed
            outcome.kept += done.looked - done.removed
            switch done.ending {
            case nil: return .took(done.looked)
            case .unsettled: return await Self.waits(&patience) ? .took(done.looked) : .end(.stopped)
            case .stale: return .end(.differs)
            }
        }
    }

    private static func delete(
        _ db: Database, _ lines: ArraySlice<ArchiveQueue.Line>, _ day: Day, _ terms: Terms,
        _ shape: ArchiveSource.Shape,
        _ allowance: Allowance
    ) throws -> (Int, of: Int) {
        let encoder = ArchiveLine(columns: shape.columns)
        var present: ContiguousArray<UInt8> = []
        // The key of usage_logs is its rowid: a line without one is none of its rows'.
        return try delete(db, lines, id: { $0.id ?? .min }, columns: shape.list, day, terms, allowance) { row, line in
            present.removeAll(keepingCapacity: true)
            try encoder.append(row, from: 0, to: &present)
            guard isSame(present, line.bytes) else { throw Stale() }
        }
    }

    /// By memcmp: == goes byte by byte.
    private static func isSame(_ one: ContiguousArray<UInt8>, _ other: ContiguousArray<UInt8>) -> Bool {
        guard one.count == other.count else { return false }
        return one.withUnsafeBytes { one in
            other.withUnsafeBytes { other in
                guard let mine = one.baseAddress, let theirs = other.baseAddress else { return true }
                return memcmp(mine, theirs, one.count) == 0
            }
        }
    }
}
