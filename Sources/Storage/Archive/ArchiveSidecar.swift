import Crypto
import Foundation
package import Scheduling

/// What stands beside an archive, in `<path>.json`: what the archive holds, so that it can be found, judged and restored without the database.
package struct ArchiveSidecar: Codable, Equatable, Sendable {
    /// Lines of JSON in a zstd file.
    package static let format = "jsonl+zstd"

    package let format: String
    package let table: String
    package let day: Day
    /// The IANA zone whose day that is.
    package let zone: String
    /// The keys of each line, in their order.
    package let columns: [String]
    package let rows: Int64
    package let firstID: Int64
    package let lastID: Int64
    /// Sums over the rows by name, such as `input_tokens`.
    package let sums: [String: Int64]
    package let digest: ArchiveDigest
    package let schemaVersion: String
    /// Unix time.
    package let createdAtMilliseconds: Int64
    /// From 1: a day may have several archives, when rows came after its first.
    package let part: Int

    package init(
        table: String, day: Day, zone: String, columns: [String], firstID: Int64, lastID: Int64, sums: [String: Int64],
        digest: ArchiveDigest, schemaVersion: String, createdAtMilliseconds: Int64, part: Int
    ) {
        format = Self.format
        self.table = table
        self.day = day
        self.zone = zone
        self.columns = columns
        rows = digest.rows
        self.firstID = firstID
        self.lastID = lastID
        self.sums = sums
        self.digest = digest
        self.schemaVersion = schemaVersion
        self.createdAtMilliseconds = createdAtMilliseconds
        self.part = part
    }

    private enum CodingKeys: String, CodingKey {
        case format, table, day, zone, columns, rows, sums, digest, part
        case firstID = "first_id"
        case lastID = "last_id"
        case schemaVersion = "schema_version"
        case createdAtMilliseconds = "created_at_ms"
    }

    package static func path(for archive: String) -> String { archive + ".json" }

    /// Writes it for the archive at `archive`, reads it back, compares, and only then gives it its name. What had that name is replaced.
    ///
    /// On an error there is neither a file of that name nor a `.tmp`, as far as they could be removed.
    ///
    /// - Returns: its SHA-256 in hexadecimal.
    @discardableResult
    package func write(for archive: String, files: ArchiveFiles = .system) throws -> String {
        let path = Self.path(for: archive)
        let encoder = JSONEncoder()
        // Sorted, so that the same sidecar is the same file.
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let bytes = try encoder.encode(self) + Data("\n".utf8)
        var file = try PendingFile(path: path, files: files)
        do {
            try bytes.withUnsafeBytes { try file.write($0) }
            try file.finish()
            guard try Self.read(file: PendingFile.temporaryPath(for: path), files: files) == self else {
                throw StorageError(
                    .archiveDamaged, cannot: "write", path, because: "what was read back is not what was written",
                    remedy: "Look at the kernel's log (`journalctl -k`) for the disk.")
            }
        } catch {
            file.abandon()
            throw error
        }
        try PendingFile.publish(path: path, files: files)
        return Hex.text(SHA256.hash(data: bytes))
    }

    /// Reads the sidecar of the archive at `archive`.
    ///
    /// - Throws: `StorageError`, of kind `archiveDamaged` for a file that is no sidecar or of a format that this version does not know.
    package static func read(for archive: String, files: ArchiveFiles = .system) throws -> ArchiveSidecar {
        try read(file: path(for: archive), files: files)
    }

    /// No sidecar is longer: 1 MiB holds thousands of columns.
    private static let longestFileBytes = 1_024 * 1_024

    private static func read(file path: String, files: ArchiveFiles) throws -> ArchiveSidecar {
        let bytes = try content(of: path, files: files)
        func damage(_ cause: String) -> StorageError {
            StorageError(
                .archiveDamaged, cannot: "read", path, because: cause,
                remedy: "Restore the file from a copy, or judge the archive by its own lines.")
        }
        guard bytes.count <= longestFileBytes else { throw damage("it is longer than \(longestFileBytes) bytes") }
        let sidecar: ArchiveSidecar
        do {
            sidecar = try JSONDecoder().decode(ArchiveSidecar.self, from: bytes)
        } catch {
            throw damage("it is no sidecar of an archive (\(Self.place(of: error)))")
        }
        guard sidecar.format == format else {
            throw damage("its format is \"\(sidecar.format)\", and this version of tallyd reads \"\(format)\"")
        }
        guard sidecar.rows == sidecar.digest.rows else {
            throw damage("it says \(sidecar.rows) rows, and \(sidecar.digest.rows) in its digest")
        }
        return sidecar
    }

    /// All of a file, up to a little more than a sidecar can have.
    private static func content(of path: String, files: ArchiveFiles) throws -> Data {
        do {
            let file = try ArchiveFiles.retrying { () throws(ArchiveFiles.Failure) in try files.openToRead(path) }
            defer { try? files.close(file) }
            var bytes = Data()
            // One page more than most sidecars have.
            let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 8_192, alignment: 16)
            defer { room.deallocate() }
            while bytes.count <= longestFileBytes {
                let count = try ArchiveFiles.retrying { () throws(ArchiveFiles.Failure) in try files.read(file, room) }
                if count == 0 { break }
                bytes.append(contentsOf: room[..<count])
            }
            return bytes
        } catch {
            throw StorageError.wrapping(error, cannot: "read", archive: path)
        }
    }

    private static func place(of error: any Error) -> String {
        func path(_ context: DecodingError.Context) -> String {
            context.codingPath.map(\.stringValue).joined(separator: ".")
        }
        return switch error as? DecodingError {
        case .keyNotFound(let key, _): "there is no \(key.stringValue)"
        case .typeMismatch(_, let context), .valueNotFound(_, let context): "\(path(context)) holds something else"
        case .dataCorrupted(let context) where !context.codingPath.isEmpty: "\(path(context)) is not readable"
        default: "it is no JSON"
        }
    }
}

/// As `YYYY-MM-DD`.
extension Day: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let day = Day(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a day, YYYY-MM-DD")
        }
        self = day
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
