import GRDB
import GRDBSQLite

/// What an archive holds, told by the rows themselves while they are written, and again by its lines when it is read back.
struct ArchiveContents: Sendable, Equatable {
    var rows: Int64 = 0
    /// The smallest rowid; nil where the lines don't say.
    var firstID: Int64?
    var lastID: Int64?
    /// Of the columns below, where the table has them and where they hold integers.
    var sums: [String: Int64] = [:]

    private static let summed = ["input_tokens", "output_tokens", "total_tokens", "latency"]

    mutating func add(_ other: ArchiveContents) {
        rows += other.rows
        firstID = [firstID, other.firstID].compactMap(\.self).min()
        lastID = [lastID, other.lastID].compactMap(\.self).max()
        sums.merge(other.sums) { $0 &+ $1 }
    }

    mutating func add(_ id: Int64) {
        firstID = min(firstID ?? id, id)
        lastID = max(lastID ?? id, id)
    }

    /// The sums as they grow, by column instead of by name.
    private struct Sums {
        let columns: [(name: String, index: Int)]
        private var totals: [Int64?]
        /// Per column of the table its place in `totals`; −1 for those that are not summed.
        private var places: [Int]

        init(_ table: [String]) {
            columns = summed.compactMap { name in table.firstIndex(of: name).map { (name, $0) } }
            totals = Array(repeating: nil, count: columns.count)
            places = Array(repeating: -1, count: table.count)
            for (place, column) in columns.enumerated() { places[column.index] = place }
        }

        @inline(__always)
        mutating func add(_ value: Int64, column: Int) {
            let place = places[column]
            if place >= 0 { totals[place] = (totals[place] ?? 0) &+ value }
        }

        var byName: [String: Int64] {
            Dictionary(
                uniqueKeysWithValues: zip(columns, totals).compactMap { column, total in total.map { (column.name, $0) }
                })
        }
    }

    /// Lines that were read from one snapshot.
    struct Batch: Sendable {
        fileprivate(set) var contents = ArchiveContents()
        /// Of the ids, so many were gone through.
        fileprivate(set) var looked = 0
        private var bytes: ContiguousArray<UInt8> = []
        private var ends: [Int] = []

        /// Rows of a snapshot at most: 20 to 30 ms of reading by id. What is done with the lines comes after it, so that a log can be begun anew meanwhile.
        static let mostRows = 5_000
        /// And no more bytes than this and a line.
        static let mostBytes = 8 * 1_024 * 1_024

        var isFull: Bool { bytes.count >= Self.mostBytes }

        fileprivate mutating func append(_ line: ArchiveLine, _ row: OpaquePointer) throws {
            try line.append(row, from: 0, to: &bytes)
            ends.append(bytes.count)
        }

        /// Calls `visit` with each line, newline included.
        func forEachLine(_ visit: (UnsafeBufferPointer<UInt8>) throws -> Void) rethrows {
            try bytes.withUnsafeBufferPointer { bytes in
                var start = 0
                for end in ends {
                    try visit(UnsafeBufferPointer(rebasing: bytes[start..<end]))
                    start = end
                }
            }
        }
    }

    /// Reads rows by their rowid, as many as a batch holds. A row that somebody has removed meanwhile is left out.
    static func read(
        _ ids: ArraySlice<Int64>, _ source: ArchiveSource, _ shape: ArchiveSource.Shape, _ line: ArchiveLine,
        _ db: Database
    ) throws -> Batch {
        let row = try RawStatement(
            db, "SELECT \(shape.list), rowid FROM \(source.table) WHERE rowid BETWEEN ?1 AND ?2 ORDER BY rowid")
        defer { row.reset() }
        let idColumn = Int32(shape.columns.count)
        var sums = Sums(shape.columns)
        var batch = Batch()
        var rest = ids.prefix(Batch.mostRows)
        while let first = rest.first, !batch.isFull {
            let stretch = rest.prefix(Neighbours.length(rest) { $0 })
            rest = rest.dropFirst(stretch.count)
            batch.looked += stretch.count
            var expected = stretch[...]
            row.bind(first, at: 1)
            row.bind(stretch.last ?? first, at: 2)
            while try row.step() {
                let id = sqlite3_column_int64(row.handle, idColumn)
                // Those that are gone by now.
                while let next = expected.first, next < id { expected = expected.dropFirst() }
                guard expected.first == id else { continue }
                try batch.append(line, row.handle)
                batch.contents.rows += 1
                batch.contents.add(id)
                for column in sums.columns where sqlite3_column_type(row.handle, Int32(column.index)) == SQLITE_INTEGER
                {
                    sums.add(sqlite3_column_int64(row.handle, Int32(column.index)), column: column.index)
                }
            }
            row.reset()
        }
        batch.contents.sums = sums.byName
        return batch
    }

    /// Reads an archive to its end, decodes each line, and compares the whole with what was meant.
    static func check(
        path: String, _ shape: ArchiveSource.Shape, _ digest: ArchiveDigest, _ contents: ArchiveContents,
        _ files: ArchiveFiles
    ) throws {
        let reader = try ArchiveReader(path: path, files: files)
        let line = ArchiveLine(columns: shape.columns)
        let idColumn = shape.id ?? -1
        var sums = Sums(shape.columns)
        var read = ArchiveContents()
        try reader.forEachLine { bytes in
            read.rows += 1
            try line.forEachInteger(of: bytes) { column, value in
                if column == idColumn { read.add(value) }
                sums.add(value, column: column)
            }
        }
        read.sums = sums.byName
        var expected = contents
        if shape.id == nil { (expected.firstID, expected.lastID) = (nil, nil) }
        guard reader.digest == digest, read == expected else {
            throw StorageError(
                .archiveDamaged, cannot: "verify", path,
                because: "what was read back is not what was written (\(read.rows) rows of \(contents.rows))",
                remedy: "Nothing was removed. Look at the kernel's log (`journalctl -k`) for the disk.")
        }
    }
}
