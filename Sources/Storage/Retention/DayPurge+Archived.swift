import GRDB
import GRDBSQLite
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
            switch try await bite(entry.day, lines, terms, columns) {
            case .removed(let removed, let looked):
                outcome.removed += removed
                outcome.kept += looked - removed
                lines.removeFirst(looked)
            case .unsettled: return .stopped
            case .differs: return .differs
            }
        }
        return .done
    }

    private enum Bite {
        case removed(Int, of: Int)
        /// Corrections wait, so that nobody knows yet what is counted.
        case unsettled
        /// A row is not what the archive has: nothing of this bite was removed.
        case differs
    }

    private struct Differs: Error {}

    private func bite(_ day: Day, _ lines: [Line], _ terms: Terms, _ columns: [String]) async throws -> Bite {
        let term = term
        do {
            return try await store.writer.write("purge \(day) from") { db, allowance in
                try term?.check(db)
                try Self.checkSealed(db, day)
                let isQuiet = try Bool.fetchOne(db, sql: "SELECT NOT EXISTS (SELECT 1 FROM usage_changes)") ?? false
                guard isQuiet else { return .unsettled }
                try db.execute(sql: "UPDATE rollup_state SET purging = 1 WHERE id = 1")
                let (removed, looked) = try Self.delete(db, lines, day, terms, columns, allowance)
                try db.execute(sql: "UPDATE rollup_state SET purging = 0 WHERE id = 1")
                if removed > 0 {
                    try AuditTrail.notePurge(
                        of: .usageLogs, day: day.description, rows: removed, run: terms.run, now: terms.now, db)
                }
                return .removed(removed, of: looked)
            }
        } catch is Differs {
            return .differs
        }
    }

    private static func delete(
        _ db: Database, _ lines: [Line], _ day: Day, _ terms: Terms, _ columns: [String], _ allowance: Allowance
    ) throws -> (removed: Int, looked: Int) {
        let encoder = ArchiveLine(columns: columns)
        var removed = 0
        var looked = 0
        var present: ContiguousArray<UInt8> = []
        let (cursor, aside) = try exempt(db, lines.first?.id ?? 0, lines.last?.id ?? 0)
        let date = ContiguousArray(day.description.utf8)
        try date.withUnsafeBufferPointer { date in
            let row = try RawStatement(db, "SELECT \(DayArchive.list(columns)) FROM usage_logs WHERE id = ?1")
            let delete = try RawStatement(db, deletion)
            delete.bind(date, at: 2)
            delete.bind(terms.now.milliseconds, at: 3)
            for line in lines {
                looked += 1
                row.bind(line.id, at: 1)
                if line.id <= cursor, !aside.contains(line.id), try row.step() {
                    present.removeAll(keepingCapacity: true)
                    try encoder.append(row.handle, from: 0, to: &present)
                    row.reset()
                    guard present == line.bytes else { throw Differs() }
                    delete.bind(line.id, at: 1)
                    try delete.run()
                    removed += Int(sqlite3_changes(db.sqliteConnection))
                } else {
                    row.reset()
                }
                if allowance.isSpent { break }
            }
        }
        return (removed, looked)
    }

    private func markUsed(_ entry: ArchiveManifest.Entry, _ terms: Terms) async throws {
        let term = term
        try await store.writer.write("record an archive in") { db, _ in
            try term?.check(db)
            try ArchiveManifest.markUsed(entry, now: terms.now, db)
        }
    }
}
