import Foundation
import GRDB
import GRDBSQLite
package import Scheduling

/// Writes the rows of a sealed day that are about to go into an archive file, and proves that they are in it, before any of them goes.
///
/// The order: `.tmp`, fsync, opened again, decoded, counted and hashed, renamed, folder synced, the same for its sidecar, and only then the
/// database is told. What a crash leaves before that last step is a file that nothing depends on; the next attempt replaces it.
package struct DayArchive: Sendable {
    let store: Store
    let zone: Zone
    let term: Term?
    /// The folder that the archives are in.
    let folder: String
    let files: ArchiveFiles
    /// Called after every part that was written.
    let progress: @Sendable () -> Void

    package init(
        store: Store, zone: Zone, term: Term?, folder: String, files: ArchiveFiles = .system,
        progress: @escaping @Sendable () -> Void = {}
    ) {
        self.progress = progress
        self.store = store
        self.zone = zone
        self.term = term
        self.folder = folder
        self.files = files
    }

    /// Rows of a snapshot: 0.1 to 0.2 s of reading by id.
    private static let rowsPerSnapshot = 20_000

    static func path(in folder: String, day: Day, part: Int) -> String {
        "\(folder)/usage_logs/\(day)\(part == 1 ? "" : ".\(part)").jsonl.zst"
    }

    /// The columns of usage_logs as the file has them now: a column that an operator added is kept, too.
    static func columns(_ db: Database) throws -> [String] {
        try String.fetchAll(db, sql: "SELECT name FROM pragma_table_info('usage_logs') ORDER BY cid")
    }

    static func list(_ columns: [String]) -> String {
        columns.map { "\"\($0.replacing("\"", with: "\"\""))\"" }.joined(separator: ", ")
    }

    /// The part that a purge of the day goes by: one that is there and not used up, or a new one of the rows that may go now. Nil where none may.
    ///
    /// - Parameter anew: whether a part that is there won't do: a row differed from it.
    package func prepare(_ day: Day, _ terms: DayPurge.Terms, anew: Bool) async throws -> ArchiveManifest.Entry? {
        let present = try await ArchiveManifest(store: store).list(day...day).filter { $0.table == "usage_logs" }
        if !anew, let last = present.last, last.usedAt == nil { return last }
        let zone = zone
        let ids = try await store.read("find rows of \(day) in") { db in
            try DayPurge.findUnheld(db, day, zone, terms)
        }
        guard !ids.isEmpty else { return nil }
        return try await write(day, part: (present.last?.part ?? 0) + 1, ids, terms)
    }

    private func write(
        _ day: Day, part: Int, _ ids: [Int64], _ terms: DayPurge.Terms
    ) async throws -> ArchiveManifest.Entry? {
        let path = Self.path(in: folder, day: day, part: part)
        try makeFolder(Store.folder(of: path))
        let columns = try await store.read("read the columns of") { db in try Self.columns(db) }
        let line = ArchiveLine(columns: columns)
        let writer = try ArchiveWriter(path: path, files: files)
        var total = Contents()
        do {
            var rest = ids[...]
            while !rest.isEmpty {
                let chunk = rest.prefix(Self.rowsPerSnapshot)
                rest = rest.dropFirst(chunk.count)
                let part = try await store.read("archive rows of \(day) in") { db in
                    try Self.append(chunk, db, columns, line, to: writer)
                }
                total.add(part)
                progress()
            }
            guard let firstID = total.firstID, let lastID = total.lastID else {
                writer.abandon()
                return nil
            }
            let digest = try writer.finish()
            // Read back from where it was written, decoded and counted.
            try Self.check(path: PendingFile.temporaryPath(for: path), columns, digest, total, files)
            try ArchiveWriter.publish(path: path, files: files)
            let version = try await store.read("read the version of") { db in
                try String.fetchOne(db, sql: "SELECT value FROM schema_metadata WHERE key = 'schema_version'") ?? ""
            }
            try ArchiveSidecar(
                table: "usage_logs", day: day, zone: zone.name, columns: columns, firstID: firstID, lastID: lastID,
                sums: total.sums, digest: digest, schemaVersion: version,
                createdAtMilliseconds: terms.now.milliseconds, part: part
            ).write(for: path, files: files)
            let entry = ArchiveManifest.Entry(
                table: "usage_logs", day: day, part: part, path: path, firstID: firstID, lastID: lastID,
                sums: total.sums, digest: digest, createdAt: terms.now, usedAt: nil)
            let term = term
            try await store.writer.write("record an archive in") { db, _ in
                try term?.check(db)
                try ArchiveManifest.insert(entry, db)
                try db.execute(
                    sql:
                        "UPDATE usage_days SET state = 'verified', changed_at_ms = ? WHERE date = ? AND state = 'sealed'",
                    arguments: [terms.now.milliseconds, day.description])
                try AuditTrail.note(
                    "retention.archived", on: "usage_logs", id: day.description,
                    facts: ["path": path, "rows": "\(digest.rows)", "sha256": digest.fileSHA256], now: terms.now, db)
            }
            return entry
        } catch {
            writer.abandon()
            throw error
        }
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

    /// What was written, told by the rows themselves.
    struct Contents: Sendable, Equatable {
        var rows: Int64 = 0
        var firstID: Int64?
        var lastID: Int64?
        var sums: [String: Int64] = [:]

        static let summed = ["input_tokens", "output_tokens", "total_tokens", "latency"]

        mutating func add(_ other: Contents) {
            rows += other.rows
            firstID = firstID ?? other.firstID
            lastID = other.lastID ?? lastID
            sums.merge(other.sums) { $0 &+ $1 }
        }

        mutating func add(_ id: Int64) {
            rows += 1
            firstID = firstID ?? id
            lastID = id
        }
    }

    private static func append(
        _ ids: ArraySlice<Int64>, _ db: Database, _ columns: [String], _ line: ArchiveLine, to writer: ArchiveWriter
    ) throws -> Contents {
        let row = try RawStatement(db, "SELECT \(list(columns)) FROM usage_logs WHERE id = ?1")
        let summed = summedColumns(columns)
        let idColumn = Int32(columns.firstIndex(of: "id") ?? 0)
        var contents = Contents()
        var bytes: ContiguousArray<UInt8> = []
        for id in ids {
            row.bind(id, at: 1)
            // A row that somebody has removed meanwhile is in the change log.
            if try row.step() {
                bytes.removeAll(keepingCapacity: true)
                try line.append(row.handle, from: 0, to: &bytes)
                try writer.append(bytes)
                contents.add(sqlite3_column_int64(row.handle, idColumn))
                for (name, column) in summed {
                    contents.sums[name, default: 0] &+= sqlite3_column_int64(row.handle, column)
                }
            }
            row.reset()
        }
        return contents
    }

    private static func summedColumns(_ columns: [String]) -> [(String, Int32)] {
        Contents.summed.compactMap { name in columns.firstIndex(of: name).map { (name, Int32($0)) } }
    }

    /// Reads an archive to its end, decodes each line, and compares the whole with what was meant.
    static func check(
        path: String, _ columns: [String], _ digest: ArchiveDigest, _ contents: Contents, _ files: ArchiveFiles
    ) throws {
        let reader = try ArchiveReader(path: path, files: files)
        let line = ArchiveLine(columns: columns)
        let summed = summedColumns(columns)
        let idColumn = columns.firstIndex(of: "id") ?? 0
        var read = Contents()
        try reader.forEachLine { bytes in
            let values = try line.values(of: bytes)
            guard case .integer(let id) = values[idColumn] else { return }
            read.add(id)
            for (name, column) in summed {
                if case .integer(let number) = values[Int(column)] { read.sums[name, default: 0] &+= number }
            }
        }
        guard reader.digest == digest, read == contents else {
            throw StorageError(
                .archiveDamaged, cannot: "verify", path,
                because: "what was read back is not what was written (\(read.rows) rows of \(contents.rows))",
                remedy: "Nothing was removed. Look at the kernel's log (`journalctl -k`) for the disk.")
        }
    }
}
