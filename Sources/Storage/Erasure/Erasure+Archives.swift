import Foundation
import GRDB
import Scheduling

/// The archive files, one after the other.
///
/// The order: the new file under a name of its own, on the disk and read back, and its sidecar; then one transaction that puts it on record in place of
/// the old one, and the old one on the list of what is to go; then the old one is removed. What a crash leaves is a new file that nothing depends
/// on, written over by the next run, or an old one on that list.
extension Erasure {
    func eraseArchives(_ archives: [Plan.Archive], _ run: Run) async throws {
        let folders = Set(archives.map { Store.folder(of: $0.entry.path) })
        let locks = try folders.sorted().map { try ArchiveLock(folder: $0) }
        defer { withExtendedLifetime(locks) {} }
        try await removeDrafts(run)
        try await removeOldFiles(run)
        for (number, archive) in archives.enumerated() {
            try run.check()
            run.progress("writing archive \(number + 1) of \(archives.count) anew")
            let entry = archive.entry
            let rewritten = try ArchiveErasure(
                entry: entry, user: user, exceptions: exceptions, files: files
            ).rewrite(pseudonym: run.record.pseudonym)
            let lines = rewritten?.lines ?? Int(entry.digest.rows)
            let takenAt = try await handOver(rewritten, in: entry, run)
            try await write("record an archive in") { db, _, holds in
                if let hold = holds.hold(onArchiveOf: entry.table, day: entry.day) { throw ErasureHolds.refusal(hold) }
                if let rewritten {
                    try ArchiveManifest.replace(entry, by: rewritten, takenAt: takenAt, db)
                } else {
                    try ArchiveManifest.remove(entry, db)
                }
                try run.record.addOldFile(entry.path, db)
                try run.record.add(1, to: "archive_files", db)
                try run.record.add(lines, to: "archived_rows", db)
            }
            try await removeOldFiles(run)
        }
    }

    /// Where archives are handed on, the new file is, too: what was taken before is not tallyd's to change, and whoever took it hears of the new one
    /// under a name of its own.
    private func handOver(
        _ rewritten: ArchiveErasure.Rewritten?, in entry: ArchiveManifest.Entry, _ run: Run
    ) async throws -> Instant? {
        guard let rewritten, let handover else { return nil }
        let next = ArchiveManifest.Entry(
            table: entry.table, day: entry.day, part: entry.part, path: rewritten.path, firstID: entry.firstID,
            lastID: entry.lastID, sums: rewritten.sums, digest: rewritten.digest, createdAt: entry.createdAt,
            usedAt: entry.usedAt, takenAt: nil)
        do {
            try await handover.takeBoth(of: next, sidecarSHA256: rewritten.sidecarSHA256, run.shouldStop)
        } catch is ArchiveHandover.Stopped {
            throw Stopped()
        }
        return now()
    }

    /// Removes what a purge that was cut has left: the person may stand in it, and no row went for it.
    private func removeDrafts(_ run: Run) async throws {
        let paths = try await store.read("look for unfinished archives in") { db in try ArchiveManifest.drafts(db) }
        guard !paths.isEmpty else { return }
        for path in paths {
            for name in [path, ArchiveSidecar.path(for: path)] {
                do {
                    try files.unlink(PendingFile.temporaryPath(for: name))
                } catch  where error.code == ENOENT {
                    continue
                } catch {
                    throw StorageError.wrapping(error, cannot: "remove", archive: PendingFile.temporaryPath(for: name))
                }
            }
            try ArchiveErasure.remove(path, files: files)
        }
        try await write("forget unfinished archives in") { db, _, _ in try ArchiveManifest.forgetDrafts(paths, db) }
    }

    /// Removes the old files, then forgets them.
    private func removeOldFiles(_ run: Run) async throws {
        let paths = try await store.read("look for old archives in") { db in try run.record.oldFiles(db) }
        guard !paths.isEmpty else { return }
        // A path that is on record again is another file's.
        let recorded = Set(try await ArchiveManifest(store: store).list().map(\.path))
        for path in paths where !recorded.contains(path) { try ArchiveErasure.remove(path, files: files) }
        try await write("forget old archives in") { db, _, _ in try run.record.forgetOldFiles(db) }
    }
}

extension ArchiveManifest {
    /// Another file with the same rows, or fewer, takes the place of the one on record.
    static func replace(
        _ entry: Entry, by rewritten: ArchiveErasure.Rewritten, takenAt: Instant?, _ db: Database
    ) throws {
        let (path, digest) = (rewritten.path, rewritten.digest)
        var sums = rewritten.sums
        sums[takenAtKey] = takenAt?.milliseconds
        try db.execute(
            sql: """
                UPDATE archives
                SET path = ?, rows = ?, sums = ?, content_bytes = ?, content_sha256 = ?, file_bytes = ?, file_sha256 = ?
                WHERE table_name = ? AND date = ? AND part = ? AND file_sha256 = ?
                """,
            arguments: [
                path, digest.rows, try text(of: sums), digest.contentBytes, digest.contentSHA256, digest.fileBytes,
                digest.fileSHA256, entry.table, entry.day.description, entry.part, entry.digest.fileSHA256,
            ])
        guard db.changesCount == 1 else {
            throw StorageError(
                .archiveFailed, cannot: "record", path,
                because: "the archive that it replaces is not on record any more",
                remedy: "Run the same again: it goes on from there.")
        }
    }

    /// An archive of which no row is left.
    static func remove(_ entry: Entry, _ db: Database) throws {
        try db.execute(
            sql: "DELETE FROM archives WHERE table_name = ? AND date = ? AND part = ?",
            arguments: [entry.table, entry.day.description, entry.part])
    }
}
