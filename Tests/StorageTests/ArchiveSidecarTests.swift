import Foundation
import Scheduling
import Storage
import TestSupport
import Testing

@Suite struct `Archive sidecars` {
    @Test func `a sidecar comes back as it was`() throws {
        let folder = try ArchiveFolder()
        try ArchiveSidecar.sample().write(for: folder.path)
        #expect(try ArchiveSidecar.read(for: folder.path) == .sample())
        #expect(try folder.names() == ["2026-11-20.jsonl.zst.json"])
    }

    @Test func `it is JSON for people: one key a line, in order, in snake case`() throws {
        let folder = try ArchiveFolder()
        try ArchiveSidecar.sample().write(for: folder.path)
        let text = try String(contentsOfFile: ArchiveSidecar.path(for: folder.path), encoding: .utf8)
        let expected = """
            {
              "columns" : [
                "id",
                "user_id"
              ],
              "created_at_ms" : 1764201600123,
              "day" : "2026-11-20",
              "digest" : {
                "content_bytes" : 4200,
                "content_sha256" : "\(String(repeating: "a", count: 64))",
                "file_bytes" : 420,
                "file_sha256" : "\(String(repeating: "b", count: 64))",
                "rows" : 42
              },
              "first_id" : 1,
              "format" : "jsonl+zstd",
              "last_id" : 9223372036854775807,
              "part" : 1,
              "rows" : 42,
              "schema_version" : "1.2.0",
              "sums" : {
                "input_tokens" : -9223372036854775808
              },
              "table" : "usage_logs",
              "zone" : "Europe/Berlin"
            }

            """
        #expect(text == expected)
    }

    @Test(arguments: [
        ("\"jsonl+zstd\"", "\"parquet\"", "its format is \"parquet\", and this version of tallyd reads \"jsonl+zstd\""),
        ("\"2026-11-20\"", "\"2026-02-30\"", "it is no sidecar of an archive (day is not readable)"),
        ("\"first_id\" : 1,", "", "it is no sidecar of an archive (there is no first_id)"),
        ("\"part\" : 1", "\"part\" : \"1\"", "it is no sidecar of an archive (part holds something else)"),
        ("\"part\" : 1,\n  \"rows\" : 42", "\"part\" : 1,\n  \"rows\" : 43", "it says 43 rows, and 42 in its digest"),
        ("\"zone\"", "zone", "it is no sidecar of an archive (it is no JSON)"),
    ])
    func `what is no sidecar is refused, with the reason`(part: String, other: String, cause: String) throws {
        let folder = try ArchiveFolder()
        try ArchiveSidecar.sample().write(for: folder.path)
        let path = ArchiveSidecar.path(for: folder.path)
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text.contains(part))
        try Data(text.replacingOccurrences(of: part, with: other).utf8).write(to: URL(filePath: path))
        let error = #expect(throws: StorageError.self) { try ArchiveSidecar.read(for: folder.path) }
        #expect(error?.kind == .archiveDamaged)
        #expect(error?.subject == path)
        #expect(error?.cause == cause)
    }

    @Test func `a file too long for a sidecar is not read to its end`() throws {
        let folder = try ArchiveFolder()
        let path = ArchiveSidecar.path(for: folder.path)
        try Data(count: 3 * 1_024 * 1_024).write(to: URL(filePath: path))
        let counted = FaultyFiles(.none)
        let error = #expect(throws: StorageError.self) {
            try ArchiveSidecar.read(for: folder.path, files: counted.files)
        }
        #expect(error?.cause == "it is longer than 1048576 bytes")
        #expect(counted.calls < 200)
    }

    @Test func `what the disk gives back otherwise is not published`() throws {
        let folder = try ArchiveFolder()
        var files = ArchiveFiles.system
        files.read = { file, bytes throws(ArchiveFiles.Failure) in
            let count = try ArchiveFiles.system.read(file, bytes)
            // The zone's first letter in place of another's.
            if let place = bytes.prefix(count).firstIndex(of: UInt8(ascii: "E")) { bytes[place] = UInt8(ascii: "F") }
            return count
        }
        let error = #expect(throws: StorageError.self) {
            try ArchiveSidecar.sample().write(for: folder.path, files: files)
        }
        #expect(error?.cause == "what was read back is not what was written")
        #expect(try folder.names().isEmpty)
    }
}

extension ArchiveSidecar {
    static func sample() -> ArchiveSidecar {
        let digest = ArchiveDigest(
            rows: 42, contentBytes: 4_200, contentSHA256: String(repeating: "a", count: 64), fileBytes: 420,
            fileSHA256: String(repeating: "b", count: 64))
        return ArchiveSidecar(
            table: "usage_logs", day: Day("2026-11-20") ?? .first, zone: "Europe/Berlin", columns: ["id", "user_id"],
            firstID: 1, lastID: .max, sums: ["input_tokens": .min], digest: digest, schemaVersion: "1.2.0",
            createdAtMilliseconds: 1_764_201_600_123, part: 1)
    }
}
