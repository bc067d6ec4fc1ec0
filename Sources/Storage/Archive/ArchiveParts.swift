import Foundation
import GRDB
import Scheduling

/// Writes rows into an archive file, and proves that they are in it, before any of them goes.
///
/// The order: `.tmp`, fsync, opened again, decoded, counted and hashed, renamed, folder synced, the same for its sidecar, then given to whoever
/// takes archives on (`ArchiveHandover`), and only then the database is told. What a crash or a refusal leaves before that last step is a file
/// that nothing depends on: the next attempt finds it, and writes it anew only where it is not, byte for byte, what would be written.
struct ArchiveParts: Sendable {
    let store: Store
    let zone: Zone
    let term: Term?
    /// The folder that the archives' folders are in.
    let folder: String
    let files: ArchiveFiles
    /// Nil: the files stay where they are.
    let handover: ArchiveHandover?
    /// Called after every part that was written.
    let progress: @Sendable () -> Void

    /// A part that stands in its folder, and of which the database does not know yet.
    struct Written: Sendable {
        fileprivate let entry: ArchiveManifest.Entry
        fileprivate let opened: ArchivePart.Opened?
        fileprivate let sidecarSHA256: String
    }

    func path(_ source: ArchiveSource, _ day: Day, part: Int) -> String {
        "\(folder)/\(source.name)/\(day)\(part == 1 ? "" : ".\(part)").jsonl.zst"
    }

    /// Writes a part with those rows that are there. Nil where none is.
    ///
    /// - Parameter ids: their rowids.
    func write(
        _ source: ArchiveSource, _ day: Day, part: Int, _ ids: [Int64], now: Instant
    ) async throws -> Written? {
        let path = path(source, day, part: part)
        try makeFolder(Store.folder(of: path))
        let (shape, version) = try await store.read("read the columns of") { db in
            let version = try String.fetchOne(db, sql: "SELECT value FROM schema_metadata WHERE key = 'schema_version'")
            return (try source.shape(db), version ?? "")
        }
        try await store.writer.write("note an archive in") { [term] db, _ in
            try term?.check(db)
            try ArchiveManifest.addDraft(path, db)
        }
        var found = await standing(path, source, shape, ids)
        if found == nil { found = try await writeFile(path, source, shape, day, ids) }
        guard let (digest, contents) = found, let firstID = contents.firstID, let lastID = contents.lastID else {
            return nil
        }
        let sha256 = try ArchiveSidecar(
            table: source.name, day: day, zone: zone.name, columns: shape.columns, firstID: firstID, lastID: lastID,
            sums: contents.sums, digest: digest, schemaVersion: version, createdAtMilliseconds: now.milliseconds,
            part: part
        ).write(for: path, files: files)
        // Before anybody may take the file away.
        let opened =
            handover == nil
            ? nil
            : ArchivePart.Opened(
                columns: shape.columns, proof: try ArchiveReader(path: path, files: files),
                lines: try ArchiveReader(path: path, files: files, sums: false))
        let entry = ArchiveManifest.Entry(
            table: source.name, day: day, part: part, path: path, firstID: firstID, lastID: lastID,
            sums: contents.sums, digest: digest, createdAt: now, usedAt: nil, takenAt: handover == nil ? nil : now)
        return Written(entry: entry, opened: opened, sidecarSHA256: sha256)
    }

    /// Hands the parts on, one after the other, and tells the database of all of them at once.
    ///
    /// - Parameter beside: what else is written in that transaction.
    /// - Throws: `ArchiveHandover.Stopped`, and what the handover throws: then the database knows of none.
    func record(
        _ written: [Written], now: Instant, _ shouldStop: @escaping @Sendable () -> Bool,
        beside: @escaping @Sendable (Database) throws -> Void = { _ in }
    ) async throws -> [ArchivePart] {
        if let handover {
            for part in written {
                try await handover.takeBoth(of: part.entry, sidecarSHA256: part.sidecarSHA256, shouldStop)
            }
        }
        do {
            try await enter(written.map(\.entry), now, beside)
        } catch {
            await removeUnrecorded(written.map(\.entry.path))
            throw error
        }
        return written.map { ArchivePart(entry: $0.entry, opened: $0.opened) }
    }

    private func enter(
        _ entries: [ArchiveManifest.Entry], _ now: Instant, _ beside: @escaping @Sendable (Database) throws -> Void
    ) async throws {
        let term = term
        try await store.writer.write("record an archive in") { db, _ in
            try term?.check(db)
            for entry in entries {
                try ArchiveManifest.insert(entry, db)
                try ArchiveManifest.forgetDrafts([entry.path], db)
                let facts = [
                    "path": entry.path, "rows": "\(entry.digest.rows)", "sha256": entry.digest.fileSHA256,
                ]
                try AuditTrail.note(
                    "retention.archived", on: entry.table, id: entry.day.description, facts: facts, now: now, db)
                if entry.takenAt != nil {
                    try AuditTrail.note(
                        "retention.handed_over", on: entry.table, id: entry.day.description, facts: facts, now: now, db)
                }
            }
            try beside(db)
        }
    }

    /// Of files that could not be recorded, and that no row went for. Where not even that can be asked they stay as drafts: the next run of the day takes
    /// them over, and an erasure removes them.
    private func removeUnrecorded(_ paths: [String]) async {
        guard let recorded = try? await ArchiveManifest(store: store).list().map(\.path) else { return }
        for path in paths where !recorded.contains(path) { try? ArchiveErasure.remove(path, files: files) }
    }

    func markUsed(_ parts: [ArchivePart], now: Instant) async throws {
        let term = term
        try await store.writer.write("record an archive in") { db, _ in
            try term?.check(db)
            for part in parts { try ArchiveManifest.markUsed(part.entry, now: now, db) }
        }
    }

    // MARK: The file

    private func writeFile(
        _ path: String, _ source: ArchiveSource, _ shape: ArchiveSource.Shape, _ day: Day, _ ids: [Int64]
    ) async throws -> (ArchiveDigest, ArchiveContents)? {
        let writer = try ArchiveWriter(path: path, files: files)
        do {
            let contents = try await read(ids, source, shape, day) { try writer.append($0) }
            guard contents.rows > 0 else {
                writer.abandon()
                return nil
            }
            let digest = try await apart { try writer.finish() }
            // Read back from where it was written, decoded and counted.
            try await apart { [files] in
                try ArchiveContents.check(
                    path: PendingFile.temporaryPath(for: path), shape, digest, contents, files)
            }
            try ArchiveWriter.publish(path: path, files: files)
            return (digest, contents)
        } catch {
            writer.abandon()
            throw error
        }
    }

    /// What the file at this path holds, if it is whole and its lines are those rows as they are now.
    private func standing(
        _ path: String, _ source: ArchiveSource, _ shape: ArchiveSource.Shape, _ ids: [Int64]
    ) async -> (ArchiveDigest, ArchiveContents)? {
        struct Differs: Error {}
        // Whatever goes wrong here, the file is written anew; what goes wrong then is told.
        do {
            let reader = try ArchiveReader(path: path, files: files)
            let contents = try await read(ids, source, shape, nil) { line in
                guard try reader.isNext(line) else { throw Differs() }
            }
            guard try reader.next() == nil, let digest = reader.digest else { return nil }
            try PendingFile.settle(path: path, files: files)
            return (digest, contents)
        } catch {
            return nil
        }
    }

    private func read(
        _ ids: [Int64], _ source: ArchiveSource, _ shape: ArchiveSource.Shape, _ day: Day?,
        _ visit: @escaping @Sendable (UnsafeBufferPointer<UInt8>) throws -> Void
    ) async throws -> ArchiveContents {
        let line = ArchiveLine(columns: shape.columns)
        var total = ArchiveContents()
        var rest = ids[...]
        while !rest.isEmpty {
            let due = rest
            let batch = try await store.readOneOfMany("archive rows\(day.map { " of \($0)" } ?? "") in") { db in
                try ArchiveContents.read(due, source, shape, line, db)
            }
            rest = rest.dropFirst(batch.looked)
            try await apart { try batch.forEachLine(visit) }
            total.add(batch.contents)
            progress()
        }
        return total
    }

    /// To be held from before the first part is written until the rows that it lets go are gone.
    func lock(_ source: ArchiveSource) throws -> ArchiveLock? {
        let path = "\(folder)/\(source.name)"
        try makeFolder(path)
        return try ArchiveLock(folder: path)
    }

    /// Makes the folder if it is not there, durably: a file in a folder that a crash takes away is no archive.
    private func makeFolder(_ path: String) throws {
        guard !FileManager.default.fileExists(atPath: path) else { return }
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
            let parent = try files.openFolder(folder)
            defer { try? files.close(parent) }
            try files.fsync(parent)
        } catch {
            throw StorageError(
                .archiveFailed, cannot: "make the folder", path, because: "\(error)",
                remedy: "Make it, and give tallyd's user write access; in a unit, name it in ReadWritePaths=.")
        }
    }
}
