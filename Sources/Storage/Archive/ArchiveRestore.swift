import GRDB
import GRDBSQLite
import Scheduling

/// Brings archived rows back into a database, as they were to the last bit, without any of them being counted twice.
///
/// In the database that they came from their ids are below the cursor, so nothing counts them again. In another one they are new rows like any
/// others, and its own rollup counts them.
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

    /// Restores a day's parts, the newest first: a row that was archived twice comes back as it was last.
    ///
    /// - Parameter isOrigin: whether the rows came from this database. Then those must be below its cursor.
    package func restore(
        _ parts: [ArchiveManifest.Entry], isOrigin: Bool, shouldStop: @Sendable () -> Bool = { false }
    ) async throws -> Outcome {
        var outcome = Outcome()
        for part in parts.sorted(by: { ($0.day, $0.part) > ($1.day, $1.part) }) {
            try ArchiveReader.verify(path: part.path, expected: part.digest, files: files)
            let columns = try ArchiveSidecar.read(for: part.path, files: files).columns
            try await check(columns, part)
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
                    try Self.insert(batch, columns, part, isOrigin: isOrigin, db, allowance)
                }
                outcome.restored += done.restored
                outcome.present += done.looked - done.restored
                rows.removeFirst(done.looked)
            }
        }
        return outcome
    }

    private func check(_ columns: [String], _ part: ArchiveManifest.Entry) async throws {
        let present = try await store.read("read the columns of") { db in Set(try DayArchive.columns(db)) }
        let missing = columns.filter { !present.contains($0) }
        guard missing.isEmpty else {
            throw StorageError(
                .notAUsageDatabase, cannot: "restore \(part.path) into", store.path,
                because: "its usage_logs has no column \(missing.joined(separator: ", "))",
                remedy: "Add it there, or restore into another file with --into.")
        }
    }

    private static func insert(
        _ rows: [[ArchiveValue]], _ columns: [String], _ part: ArchiveManifest.Entry, isOrigin: Bool, _ db: Database,
        _ allowance: Allowance
    ) throws -> (restored: Int, looked: Int) {
        let cursor = try RollupState.read(db).cursor
        if isOrigin, part.lastID > cursor {
            throw StorageError(
                .rawIncomplete, cannot: "restore", part.path,
                because:
                    "its rows go up to id \(part.lastID), and this database has counted up to \(cursor): they would be counted again",
                remedy:
                    "It is not the database they came from, or an older copy of it: restore with --into another file.")
        }
        let places = columns.indices.map { "?\($0 + 1)" }.joined(separator: ", ")
        let statement = try RawStatement(
            db, "INSERT OR IGNORE INTO usage_logs (\(DayArchive.list(columns))) VALUES (\(places))")
        var restored = 0
        var looked = 0
        for row in rows {
            for (index, value) in row.enumerated() {
                try ArchiveLine.bind(value, to: statement.handle, at: Int32(index + 1))
            }
            try statement.run()
            restored += sqlite3_changes(db.sqliteConnection) > 0 ? 1 : 0
            looked += 1
            if allowance.isSpent { break }
        }
        return (restored, looked)
    }
}
