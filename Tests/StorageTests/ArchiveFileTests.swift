import Foundation
import GRDB
import GRDBSQLite
import Storage
import TestSupport
import Testing

@Suite struct `Archive files` {
    private static func expectDamage(
        _ folder: ArchiveFolder, _ words: String, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let error = #expect(throws: StorageError.self, sourceLocation: sourceLocation) { try folder.lines() }
        #expect(error?.kind == .archiveDamaged, sourceLocation: sourceLocation)
        #expect(error?.subject == folder.path, sourceLocation: sourceLocation)
        #expect(error?.cause.contains(words) == true, "\(error?.cause ?? "")", sourceLocation: sourceLocation)
    }

    @Test(arguments: [0, 1, 2, 1_000, 20_000])
    func `lines come back as they were, with the same digest`(count: Int) throws {
        let folder = try ArchiveFolder()
        let lines = ArchiveFolder.lines(count, ofBytes: 61, seed: 1)
        let digest = try folder.write(lines)
        #expect(digest.rows == Int64(count))
        #expect(digest.contentBytes == Int64(count * 61))
        #expect(digest.fileBytes == Int64(try folder.bytes().count))
        #expect(try folder.names() == ["2026-11-20.jsonl.zst"])
        #expect(try folder.lines() == lines)
        #expect(folder.problem(expecting: digest) == nil)

        let reader = try ArchiveReader(path: folder.path)
        var visited: [ContiguousArray<UInt8>] = []
        #expect(reader.digest == nil)
        try reader.forEachLine { visited.append(ContiguousArray($0)) }
        #expect(visited == lines)
        #expect(reader.digest == digest)
        #expect(try reader.next() == nil)
    }

    @Test func `the same lines make the same file`() throws {
        let folders = try (ArchiveFolder(), ArchiveFolder())
        let lines = ArchiveFolder.lines(5_000, ofBytes: 100, seed: 2)
        #expect(try folders.0.write(lines) == folders.1.write(lines))
        #expect(try folders.0.bytes() == folders.1.bytes())
    }

    @Test func `lines of all lengths around a chunk's come back`() throws {
        let folder = try ArchiveFolder()
        let sizes = [1, 2, 131_071, 131_072, 131_073, 1, 262_143, 262_144, 262_145, 3, 3_000_000, 7]
        let lines = sizes.map { ContiguousArray(repeating: UInt8(ascii: "x"), count: $0 - 1) + [0x0A] }
        let digest = try folder.write(lines)
        #expect(try folder.lines() == lines)
        #expect(folder.problem(expecting: digest) == nil)
    }

    @Test func `a line of 64 MiB is written and read, and one byte more is refused by either`() throws {
        let folder = try ArchiveFolder()
        let longest = ContiguousArray(repeating: UInt8(ascii: "x"), count: ArchiveLine.longestLineBytes - 1) + [0x0A]
        let digest = try folder.write([longest])
        #expect(try folder.lines() == [longest])
        #expect(folder.problem(expecting: digest) == nil)

        let error = #expect(throws: StorageError.self) { try folder.write([[UInt8(ascii: "x")] + longest]) }
        #expect(error?.cause == "row 1 takes 67108865 bytes, more than 67108864")
        #expect(try folder.names() == ["2026-11-20.jsonl.zst"])
    }

    @Test func `a longer line that others wrote is refused`() async throws {
        let folder = try ArchiveFolder()
        let made = try await ToolRun.run(
            "sh", ["-c", "head -c 67108865 /dev/zero | tr '\\0' x | zstd -q -o \"$0\"", folder.path])
        #expect(made.status == 0, "\(made.errors)")
        Self.expectDamage(folder, "line 1 is longer than 67108864 bytes")
    }

    @Test(arguments: [[], Array("{}".utf8), Array("\n{}".utf8), Array("{}\n{}\n".utf8), Array("{}\n\n".utf8)])
    func `what is not one line is not written`(bytes: [UInt8]) throws {
        let folder = try ArchiveFolder()
        #expect(throws: StorageError.self) { try folder.write([ContiguousArray(bytes)]) }
        #expect(try folder.names().isEmpty)
    }

    // MARK: Other programs

    @Test func `zstdcat, sha256sum and Python's json read it, and come to the same`() async throws {
        let folder = try ArchiveFolder()
        var random = SplitMix64(for: "Archive files read by other programs")
        let values = (0..<500).map { _ in ArchiveValue.random(using: &random) }
        let lines = try await DatabaseQueue().read { db in
            let select = try db.cachedStatement(sql: "SELECT ?").sqliteStatement
            return try values.map { value in
                try ArchiveLine.bind(value, to: select, at: 1)
                #expect(sqlite3_step(select) == SQLITE_ROW)
                var bytes: ContiguousArray<UInt8> = []
                try ArchiveLine(columns: ["a"]).append(select, from: 0, to: &bytes)
                sqlite3_reset(select)
                return bytes
            }
        }
        let digest = try folder.write(lines)

        let content = try await ToolRun.run("sh", ["-c", "zstdcat \"$0\" | sha256sum", folder.path])
        #expect(content.output.split(separator: " ").first.map(String.init) == digest.contentSHA256)
        let file = try await ToolRun.run("sha256sum", [folder.path])
        #expect(file.output.split(separator: " ").first.map(String.init) == digest.fileSHA256)
        // The frame has a checksum of its own: `Check` says XXH64.
        let listed = try await ToolRun.run("zstd", ["-lv", folder.path])
        #expect(listed.output.contains("XXH64"), "\(listed.output)")

        let script = """
            import base64, json, struct, subprocess, sys
            def show(value):
                if value is None: return "null"
                if isinstance(value, int): return "integer %d" % value
                if isinstance(value, float): return "real " + struct.pack(">d", value).hex()
                if isinstance(value, str): return "text " + value.encode().hex()
                (tag, value), = value.items()
                if tag == "$real": return "real " + struct.pack(">d", float(value)).hex()
                return tag[1:] + " " + base64.b64decode(value, validate=True).hex()
            lines = subprocess.run(["zstdcat", sys.argv[1]], stdout=subprocess.PIPE, check=True).stdout
            for line in lines.split(b"\\n")[:-1]:
                print(show(json.loads(line)["a"]))
            """
        let python = try await ToolRun.run("python3", ["-c", script, folder.path])
        #expect(python.status == 0, "\(python.errors)")
        #expect(python.output == values.map { Self.shown($0) + "\n" }.joined())
    }

    private static func shown(_ value: ArchiveValue) -> String {
        func hex(_ bytes: some Sequence<UInt8>) -> String { bytes.map { String(format: "%02x", $0) }.joined() }
        return switch value {
        case .null: "null"
        case .integer(let number): "integer \(number)"
        case .real(let number): "real " + String(format: "%016lx", number.bitPattern)
        case .text(let bytes): "text " + hex(bytes)
        case .blob(let bytes): "blob " + hex(bytes)
        }
    }

    @Test func `several frames one after the other are read as one archive`() throws {
        let folders = try (ArchiveFolder(), ArchiveFolder(), ArchiveFolder())
        let first = ArchiveFolder.lines(3_000, ofBytes: 70, seed: 3)
        let second = ArchiveFolder.lines(2_000, ofBytes: 90, seed: 4)
        try folders.0.write(first)
        try folders.1.write(second)
        try folders.2.replace(try folders.0.bytes() + folders.1.bytes())
        #expect(try folders.2.lines() == first + second)
        try folders.2.replace(try folders.1.bytes() + folders.1.bytes() + folders.0.bytes())
        #expect(try folders.2.lines() == second + second + first)
    }

    @Test func `the file may be read and written by tallyd, read by its group, and by nobody else`() throws {
        let folder = try ArchiveFolder()
        // A crash left it there, and somebody made it readable for all.
        let temporary = folder.path + ".tmp"
        try Data("left over".utf8).write(to: URL(filePath: temporary))
        #expect(chmod(temporary, 0o666) == 0)
        let digest = try folder.write([ContiguousArray("{}\n".utf8)])
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.path)
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o640)
        #expect(folder.problem(expecting: digest) == nil)
    }

    @Test func `a symbolic link in place of the temporary file is refused, and what it names stays`() throws {
        let folder = try ArchiveFolder()
        let other = folder.folder.appending(path: "other")
        try Data("precious".utf8).write(to: other)
        try FileManager.default.createSymbolicLink(atPath: folder.path + ".tmp", withDestinationPath: other.path)
        #expect(throws: StorageError.self) { try folder.write([]) }
        #expect(try Data(contentsOf: other) == Data("precious".utf8))
    }

    // MARK: Damage

    @Test func `a flipped bit anywhere in the file is found`() throws {
        let folder = try ArchiveFolder()
        let digest = try folder.write(ArchiveFolder.lines(5, ofBytes: 50, seed: 5))
        let bytes = try folder.bytes()
        for index in bytes.indices {
            for bit in 0..<8 {
                var damaged = bytes
                damaged[index] ^= 1 << UInt8(bit)
                try folder.replace(damaged)
                #expect(folder.problem(expecting: digest)?.kind == .archiveDamaged, "byte \(index), bit \(bit)")
            }
        }
        try folder.replace(bytes)
        #expect(folder.problem(expecting: digest) == nil)
    }

    @Test func `a file cut short at any length is no archive`() throws {
        let folder = try ArchiveFolder()
        let digest = try folder.write(ArchiveFolder.lines(5, ofBytes: 50, seed: 6))
        let bytes = try folder.bytes()
        for length in 0..<bytes.count {
            try folder.replace(bytes.prefix(length))
            Self.expectDamage(folder, length == 0 ? "it is empty" : "it is cut short: its last zstd frame has no end")
            #expect(folder.problem(expecting: digest)?.kind == .archiveDamaged, "\(length) bytes")
        }
    }

    @Test func `a large file cut short between two blocks is no archive`() throws {
        let folder = try ArchiveFolder()
        let lines = ArchiveFolder.lines(10_000, ofBytes: 100, seed: 7)
        try folder.write(lines)
        let bytes = try folder.bytes()
        for length in stride(from: 1, to: bytes.count, by: bytes.count / 23) {
            try folder.replace(bytes.prefix(length))
            Self.expectDamage(folder, "it is cut short")
        }
    }

    @Test func `bytes behind the last frame are refused, however few`() throws {
        let folder = try ArchiveFolder()
        let digest = try folder.write(ArchiveFolder.lines(5, ofBytes: 50, seed: 8))
        let bytes = try folder.bytes()
        for tail in ["\0", "\n", "ab", "abc", "abcd", "{\"a\":1}\n"] {
            try folder.replace(bytes + Array(tail.utf8))
            #expect(throws: StorageError.self) { try folder.lines() }
            #expect(folder.problem(expecting: digest)?.kind == .archiveDamaged)
        }
        try folder.replace(bytes + bytes.prefix(20))
        Self.expectDamage(folder, "it is cut short")
    }

    @Test func `a last line without its end is refused`() async throws {
        let folder = try ArchiveFolder()
        let made = try await ToolRun.run("sh", ["-c", "printf '{}\\n{}' | zstd -q -o \"$0\"", folder.path])
        #expect(made.status == 0, "\(made.errors)")
        Self.expectDamage(folder, "its last line, line 2, has no end")
    }

    @Test func `files that changed places are found, and the error names each difference`() throws {
        let folders = try (ArchiveFolder(), ArchiveFolder())
        let digests = try (
            folders.0.write(ArchiveFolder.lines(5, ofBytes: 50, seed: 9)),
            folders.1.write(ArchiveFolder.lines(6, ofBytes: 50, seed: 10))
        )
        let error = try #require(folders.0.problem(expecting: digests.1))
        #expect(error.kind == .archiveDamaged)
        #expect(error.cause.contains("its number of rows is 5 instead of 6"))
        #expect(error.cause.contains("its content's SHA-256 is \(digests.0.contentSHA256)"))
        #expect(error.cause.contains("its SHA-256 is \(digests.0.fileSHA256)"))
        #expect(folders.1.problem(expecting: digests.0) != nil)
    }

    @Test func `the same lines compressed otherwise are another file`() async throws {
        let folder = try ArchiveFolder()
        let digest = try folder.write(ArchiveFolder.lines(500, ofBytes: 50, seed: 11))
        let again = try await ToolRun.run(
            "sh", ["-c", "zstdcat \"$0\" > \"$0.raw\" && zstd -q -f -19 \"$0.raw\" -o \"$0\"", folder.path])
        #expect(again.status == 0, "\(again.errors)")
        let error = try #require(folder.problem(expecting: digest))
        #expect(!error.cause.contains("content"))
        #expect(error.cause.contains("its SHA-256"))
    }

    @Test func `a file that is not there is said to be missing`() throws {
        let folder = try ArchiveFolder()
        let error = #expect(throws: StorageError.self) { try folder.lines() }
        #expect(error?.kind == .missing)
        #expect(error?.description.contains("No such file or directory") == true)
    }
}
