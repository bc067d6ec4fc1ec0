import GRDB
import GRDBSQLite
import Scheduling

/// Brings archived rows back into a database, as they were to the last bit, without any of them being counted twice.
///
/// In the database that they came from their ids are below the cursor, so nothing counts them again. In another one they are new rows like any
/// others, and its own rollup counts them: those below its cursor as changes that it has to judge.
package struct ArchiveRestore: Sendable {
    let store: Store
    let files: ArchiveFiles

    package init(into store: Store, files: ArchiveFiles = .system) {
        self.store = store
        self.files = files
    }

    package struct Outcome: Sendable, Equatable {
        package var restored = 0
        /// Rows whose id or request is there already.
        package var present = 0

        package init(restored: Int = 0, present: Int = 0) {
            self.restored = restored
            self.present = present
        }
    }

    private static let linesAhead = 1_000

    /// Restores a day's parts, the newest first: a row that was archived twice comes back as it was last. Conversations come before their messages.
    ///
    /// - Parameter isOrigin: whether the rows came from this database. Then those must be below its cursor.
    package func restore(
        _ parts: [ArchiveManifest.Entry], isOrigin: Bool, shouldStop: @Sendable () -> Bool = { false }
    ) async throws -> Outcome {
        var outcome = Outcome()
        let (messages, others) = (
            parts.filter { $0.table == ArchiveSource.messages.name },
            parts.filter { $0.table != ArchiveSource.messages.name }
        )
        for part in Self.newestFirst(others) + Self.newestFirst(messages) {
            let source = try Self.source(of: part)
            let columns = try columns(of: part)
            try await check(columns, part, source)
            let decoder = ArchiveLine(columns: columns)
            let reader = try ArchiveReader(path: part.path, files: files)
            var rows: [[ArchiveValue]] = []
            while true {
                while rows.count < Self.linesAhead, let line = try reader.next() {
                    rows.append(try decoder.values(of: line))
                }
                if rows.isEmpty { break }
                if shouldStop() { return outcome }
                let batch = rows
                let done = try await store.writer.write("restore rows of \(part.day) into") { db, allowance in
                    try Self.insert(batch, columns, part, source, isOrigin: isOrigin, db, allowance)
                }
                outcome.restored += done.restored
                outcome.present += done.looked - done.restored
                rows.removeFirst(done.looked)
            }
        }
        return outcome
    }

    private static func newestFirst(_ parts: [ArchiveManifest.Entry]) -> [ArchiveManifest.Entry] {
        parts.sorted { ($0.day, $0.part) > ($1.day, $1.part) }
    }

    private static func source(of part: ArchiveManifest.Entry) throws -> ArchiveSource {
        guard let source = ArchiveSource.named(part.table) else {
            throw StorageError(
                .archiveFailed, cannot: "restore", part.path,
                because: "this version of tallyd knows no archives of \(part.table)",
                remedy: "Use the version that wrote it, or a newer one.")
        }
        return source
    }

    /// Of a file that was verified.
    private func columns(of part: ArchiveManifest.Entry) throws -> [String] {
        do {
            try ArchiveReader.verify(path: part.path, expected: part.digest, files: files)
            return try ArchiveSidecar.read(for: part.path, files: files).columns
        } catch let error as StorageError where error.kind == .missing && part.takenAt != nil {
            throw StorageError(
                .missing, cannot: "restore", part.path,
                because: "TALLYD_ARCHIVE_COMMAND has taken it, and it or its sidecar is not there any more",
                remedy:
                    "Bring it and its sidecar (\(ArchiveSidecar.path(for: part.path))) back to their paths, and restore again."
            )
        }
    }

    private func check(_ columns: [String], _ part: ArchiveManifest.Entry, _ source: ArchiveSource) async throws {
        let present = try await store.read("read the columns of") { db in Set(try source.shape(db).columns) }
        let missing = columns.filter { !present.contains($0) }
        guard missing.isEmpty else {
            throw StorageError(
                .notAUsageDatabase, cannot: "restore \(part.path) into", store.path,
                because: "its \(source.table) has no column \(missing.joined(separator: ", "))",
                remedy: "Add it there, or restore into another file with --into.")
        }
    }

    private static func insert(
        _ rows: [[ArchiveValue]], _ columns: [String], _ part: ArchiveManifest.Entry, _ source: ArchiveSource,
        isOrigin: Bool, _ db: Database, _ allowance: Allowance
    ) throws -> (restored: Int, looked: Int) {
        let state = try RollupState.read(db)
        if !isOrigin, source.isUsage, state.hasClaim, part.firstID <= state.claim {
            throw StorageError(
                .rawIncomplete, cannot: "restore", part.path,
                because: "a rollup of the database is under way, and the rows come below what that has claimed",
                remedy: "Run `tallyd rollup run` on that database, which ends it, and restore again.")
        }
        let cursor = state.cursor
        if isOrigin, source.isUsage, part.lastID > cursor {
            throw StorageError(
                .rawIncomplete, cannot: "restore", part.path,
                because:
                    "its rows go up to id \(part.lastID), and this database has counted up to \(cursor): they would be counted again",
                remedy:
                    "It is not the database they came from, or an older copy of it: restore with --into another file.")
        }
        if isOrigin { try check(part, isOnRecord: try ArchiveManifest.isOnRecord(part, db)) }
        let places = columns.indices.map { "?\($0 + 1)" }.joined(separator: ", ")
        let statement = try RawStatement(
            db, "INSERT OR IGNORE INTO \(source.table) (\(ArchiveSource.list(columns))) VALUES (\(places))")
        var restored = 0
        var looked = 0
        for row in rows {
            for (index, value) in row.enumerated() {
                try ArchiveLine.bind(value, to: statement.handle, at: Int32(index + 1))
            }
            try statement.run()
            if sqlite3_changes(db.sqliteConnection) > 0 {
                restored += 1
                let rowID = db.lastInsertedRowID
                let wasCounted = isOrigin && source.name != RetentionTable.rejects.rawValue
                if source.isUsage, !wasCounted, rowID <= cursor { try judgeAnew(db, rowID: rowID) }
            }
            looked += 1
            if allowance.isSpent { break }
        }
        return (restored, looked)
    }

    /// An erasure may have written the archive anew meanwhile: what is in this file must not come back.
    private static func check(_ part: ArchiveManifest.Entry, isOnRecord: Bool) throws {
        guard isOnRecord else {
            throw StorageError(
                .archiveFailed, cannot: "restore", part.path,
                because: "it was written anew while it was read, or is not on record any more",
                remedy: "Restore the day again: that takes the archive that is on record now.")
        }
    }

    /// A row that was set aside, or is another database's, was never counted here, and below the cursor nobody would look at it again: as a change that
    /// the rollup has to judge it is counted, or set aside under its reason.
    private static func judgeAnew(_ db: Database, rowID: Int64) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO usage_changes (row_id, sign, user_id, model, input_tokens, output_tokens, total_tokens, cost, latency, status, created_at)
                SELECT id, 1, user_id, model, input_tokens, output_tokens, total_tokens, cost, latency, status, created_at
                FROM usage_logs
                WHERE id = ?
                """
        ).execute(arguments: [rowID])
    }
}
