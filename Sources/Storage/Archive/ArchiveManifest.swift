import Foundation
import GRDB
package import Scheduling

/// What the database knows of its archive files (table archives).
package struct ArchiveManifest: Sendable {
    let store: Store

    package init(store: Store) {
        self.store = store
    }

    package struct Entry: Sendable, Equatable {
        package let table: String
        package let day: Day
        /// From 1.
        package let part: Int
        package let path: String
        package let firstID: Int64
        package let lastID: Int64
        package let sums: [String: Int64]
        package let digest: ArchiveDigest
        package let createdAt: Instant
        /// When the rows that it let go were gone; nil while a purge by it has not ended.
        package let usedAt: Instant?
        /// When somebody else had taken it (`ArchiveHandover`): from then on its file may be elsewhere. Nil for one that stays.
        package let takenAt: Instant?

        /// Where its file is, as far as can be seen.
        package var place: Place { access(path, F_OK) == 0 ? .here : takenAt == nil ? .missing : .moved }
    }

    package enum Place: String, Sendable {
        /// At its path.
        case here
        /// Not there, and somebody else has taken it.
        case moved
        /// Not there, and nobody answers for it.
        case missing
    }

    /// Where the time at which an archive was taken stands among a row's figures (column sums). The time is its own and none of the sums', but the
    /// column is the one that takes new names without a migration.
    static let takenAtKey = "taken_at_ms"

    /// By day, then part.
    ///
    /// - Parameter tables: only archives of these; nil: of all.
    package func list(_ days: ClosedRange<Day>? = nil, tables: [RetentionTable]? = nil) async throws -> [Entry] {
        let bounds = (days?.lowerBound ?? .first, days?.upperBound ?? .last)
        let entries = try await store.read("read the archives of") { db in
            try Self.fetch(db, "WHERE date BETWEEN ? AND ?", [bounds.0.description, bounds.1.description])
        }
        guard let names = tables?.flatMap(\.archiveNames) else { return entries }
        return entries.filter { names.contains($0.table) }
    }

    /// Whether the entry stands as it was read: the same file with the same content.
    static func isOnRecord(_ entry: Entry, _ db: Database) throws -> Bool {
        try Bool.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT EXISTS (
                        SELECT 1 FROM archives
                        WHERE table_name = ? AND date = ? AND part = ? AND path = ? AND file_sha256 = ?
                    )
                    """),
            arguments: [entry.table, entry.day.description, entry.part, entry.path, entry.digest.fileSHA256]) ?? false
    }

    /// Of one kind: those of a day, and those whose purge has not ended.
    static func list(_ db: Database, _ source: ArchiveSource, on day: Day) throws -> [Entry] {
        try fetch(db, "WHERE table_name = ? AND date = ?", [source.name, day.description])
    }

    static func unused(_ db: Database, _ source: ArchiveSource) throws -> [Entry] {
        try fetch(db, "WHERE table_name = ? AND used_at_ms IS NULL", [source.name])
    }

    static func fetch(_ db: Database, _ condition: String, _ arguments: StatementArguments) throws -> [Entry] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT table_name, date, part, path, rows, first_id, last_id, sums, content_bytes, content_sha256, file_bytes,
                       file_sha256, created_at_ms, used_at_ms
                FROM archives
                \(condition)
                ORDER BY date, table_name, part
                """,
            arguments: arguments
        ).compactMap { row in
            guard let day = Day(row["date"] as String) else { return nil }
            var sums = try JSONDecoder().decode([String: Int64].self, from: Data((row["sums"] as String).utf8))
            let takenAt = sums.removeValue(forKey: takenAtKey)
            return Entry(
                table: row["table_name"], day: day, part: row["part"], path: row["path"], firstID: row["first_id"],
                lastID: row["last_id"], sums: sums,
                digest: ArchiveDigest(
                    rows: row["rows"], contentBytes: row["content_bytes"], contentSHA256: row["content_sha256"],
                    fileBytes: row["file_bytes"], fileSHA256: row["file_sha256"]),
                createdAt: Instant(milliseconds: row["created_at_ms"]),
                usedAt: (row["used_at_ms"] as Int64?).map(Instant.init(milliseconds:)),
                takenAt: takenAt.map(Instant.init(milliseconds:)))
        }
    }

    static func text(of sums: [String: Int64]) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return String(decoding: try encoder.encode(sums), as: UTF8.self)
    }

    static func insert(_ entry: Entry, _ db: Database) throws {
        var figures = entry.sums
        figures[takenAtKey] = entry.takenAt?.milliseconds
        try db.execute(
            sql: """
                INSERT INTO archives (
                  table_name, date, part, path, rows, first_id, last_id, sums, content_bytes, content_sha256, file_bytes, file_sha256,
                  created_at_ms
                )
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                entry.table, entry.day.description, entry.part, entry.path, entry.digest.rows, entry.firstID,
                entry.lastID, try text(of: figures),
                entry.digest.contentBytes, entry.digest.contentSHA256, entry.digest.fileBytes, entry.digest.fileSHA256,
                entry.createdAt.milliseconds,
            ])
    }

    static func markUsed(_ entry: Entry, now: Instant, _ db: Database) throws {
        try db.execute(
            sql: "UPDATE archives SET used_at_ms = ? WHERE table_name = ? AND date = ? AND part = ?",
            arguments: [now.milliseconds, entry.table, entry.day.description, entry.part])
    }
}

// MARK: Drafts

extension ArchiveManifest {
    static func addDraft(_ path: String, _ db: Database) throws {
        try db.execute(
            sql: "INSERT INTO archive_drafts (path) VALUES (?) ON CONFLICT (path) DO NOTHING", arguments: [path])
    }

    static func forgetDrafts(_ paths: [String], _ db: Database) throws {
        for path in paths { try db.execute(sql: "DELETE FROM archive_drafts WHERE path = ?", arguments: [path]) }
    }

    /// Files that may lie in the folder and are not on record.
    static func drafts(_ db: Database) throws -> [String] {
        try String.fetchAll(
            db,
            sql: """
                SELECT path
                FROM archive_drafts
                WHERE path NOT IN (SELECT path FROM archives)
                ORDER BY path
                """)
    }
}
