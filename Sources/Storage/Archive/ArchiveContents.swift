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

    static func summedColumns(_ columns: [String]) -> [(name: String, index: Int)] {
        summed.compactMap { name in columns.firstIndex(of: name).map { (name, $0) } }
    }

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

    /// Goes through rows by their rowid, and calls `visit` with each as a line. A row that somebody has removed meanwhile is left out.
    static func read(
        _ ids: ArraySlice<Int64>, _ source: ArchiveSource, _ shape: ArchiveSource.Shape, _ line: ArchiveLine,
        _ db: Database, _ visit: (ContiguousArray<UInt8>) throws -> Void
    ) throws -> ArchiveContents {
        let row = try RawStatement(db, "SELECT \(shape.list) FROM \(source.table) WHERE rowid = ?1")
        defer { row.reset() }
        let summed = summedColumns(shape.columns).map { ($0.name, Int32($0.index)) }
        var contents = ArchiveContents()
        var bytes: ContiguousArray<UInt8> = []
        for id in ids {
            row.bind(id, at: 1)
            if try row.step() {
                bytes.removeAll(keepingCapacity: true)
                try line.append(row.handle, from: 0, to: &bytes)
                try visit(bytes)
                contents.rows += 1
                contents.add(id)
                for (name, column) in summed where sqlite3_column_type(row.handle, column) == SQLITE_INTEGER {
                    contents.sums[name, default: 0] &+= sqlite3_column_int64(row.handle, column)
                }
            }
            row.reset()
        }
        return contents
    }

    /// Reads an archive to its end, decodes each line, and compares the whole with what was meant.
    static func check(
        path: String, _ shape: ArchiveSource.Shape, _ digest: ArchiveDigest, _ contents: ArchiveContents,
        _ files: ArchiveFiles
    ) throws {
        let reader = try ArchiveReader(path: path, files: files)
        let line = ArchiveLine(columns: shape.columns)
        let summed = summedColumns(shape.columns)
        var read = ArchiveContents()
        try reader.forEachLine { bytes in
            let values = try line.values(of: bytes)
            read.rows += 1
            if let column = shape.id, case .integer(let id) = values[column] { read.add(id) }
            for (name, column) in summed {
                if case .integer(let number) = values[column] { read.sums[name, default: 0] &+= number }
            }
        }
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
