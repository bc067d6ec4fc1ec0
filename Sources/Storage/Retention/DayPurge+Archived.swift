import GRDB
package import Scheduling

/// Purging by an archive: only rows that stand in its file go, and each only if what is deleted is, byte for byte, the file's line.
extension DayPurge {
    /// A row as the archive has it.
    private struct Line: Sendable {
        let id: Int64
        let bytes: ContiguousArray<UInt8>
    }

    /// Archives may be written so many times for one day in one run: once, and again where a row was corrected in between.
    private static let mostRounds = 4
    /// Lines that are read at a time; a bite takes some hundred.
    private static let linesAhead = 2_000

    /// Removes a sealed day's counted rows as far as the terms allow, each after it was proven to be in an archive.
    ///
    /// - Throws: as `DayArchive` does; `StorageError` of kind `archiveDamaged` for a file that is no longer what it was, when its rows that were
    ///   still in the database have been archived again and removed.
    package func purge(
        _ day: Day, _ terms: Terms, by archive: DayArchive, shouldStop: @Sendable () -> Bool = { false }
    ) async throws -> Outcome {
        var outcome = Outcome()
        var damage: (any Error)?
        var isAnew = false
        for _ in 0..<Self.mostRounds {
            if shouldStop() {
                outcome.isComplete = false
                break
            }
            guard let entry = try await archive.prepare(day, terms, anew: isAnew) else {
                if let damage { throw damage }
                try await close(day, terms)
                return outcome
            }
            do {
                switch try await remove(entry, terms, archive, shouldStop, &outcome) {
                case .done: isAnew = false
                case .differs: isAnew = true
                case .stopped:
                    outcome.isComplete = false
                    return outcome
                }
            } catch let error as StorageError where error.kind == .archiveDamaged || error.kind == .missing {
                damage = error
                isAnew = true
            }
            try await markUsed(entry, terms)
        }
        if let damage { throw damage }
        outcome.isComplete = false
        return outcome
    }

    private enum Ending { case done, differs, stopped }

    private func remove(
        _ entry: ArchiveManifest.Entry, _ terms: Terms, _ archive: DayArchive, _ shouldStop: @Sendable () -> Bool,
        _ outcome: inout Outcome
    ) async throws -> Ending {
        // As it is now, and not as it was when it was written: days may lie between.
        try ArchiveReader.verify(path: entry.path, expected: entry.digest, files: archive.files)
        let columns = try await store.read("read the columns of") { db in try DayArchive.columns(db) }
        let sidecar = try ArchiveSidecar.read(for: entry.path, files: archive.files)
        guard sidecar.columns == columns, let idColumn = columns.firstIndex(of: "id"),
            let userColumn = columns.firstIndex(of: "user_id")
        else { return .differs }
        let decoder = ArchiveLine(columns: columns)
        let reader = try ArchiveReader(path: entry.path, files: archive.files)
        var lines: [Line] = []
        var isAtEnd = false
        while !isAtEnd || !lines.isEmpty {
            while lines.count < Self.linesAhead, !isAtEnd {
                guard let bytes = try reader.next() else {
                    isAtEnd = true
                    break
                }
                let values = try decoder.values(of: bytes)
                guard case .integer(let id) = values[idColumn], case .text(let user) = values[userColumn] else {
                    return .differs
                }
                if user.withUnsafeBufferPointer({ terms.mayGo($0) }) { lines.append(Line(id: id, bytes: bytes)) }
            }
            if shouldStop() { return .stopped }
            guard !lines.isEmpty else { break }
            let ahead = lines
            let bite = try await bite(entry.day, terms) { db, allowance in
                try Self.delete(db, ahead, entry.day, terms, columns, allowance)
            }
            switch bite {
            case .removed(let removed, let looked):
                outcome.removed += removed
                outcome.kept += looked - removed
                lines.removeFirst(looked)
            case .unsettled: return .stopped
            case .stale: return .differs
            }
        }
        return .done
    }

    private static func delete(
        _ db: Database, _ lines: [Line], _ day: Day, _ terms: Terms, _ columns: [String], _ allowance: Allowance
    ) throws -> (Int, of: Int) {
        let encoder = ArchiveLine(columns: columns)
        var present: ContiguousArray<UInt8> = []
        return try delete(
            db, lines, id: \.id, columns: DayArchive.list(columns), day, terms, allowance
        ) { row, line in
            present.removeAll(keepingCapacity: true)
            try encoder.append(row, from: 0, to: &present)
            guard present == line.bytes else { throw Stale() }
        }
    }

    private func markUsed(_ entry: ArchiveManifest.Entry, _ terms: Terms) async throws {
        let term = term
        try await store.writer.write("record an archive in") { db, _ in
            try term?.check(db)
            try ArchiveManifest.markUsed(entry, now: terms.now, db)
        }
    }
}
