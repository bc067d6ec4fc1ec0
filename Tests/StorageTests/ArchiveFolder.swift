import Foundation
import Storage
import TestSupport

/// A folder of a test's own with one archive in it, gone with the value.
final class ArchiveFolder: Sendable {
    let folder: URL
    /// Where the archive stands, or is to stand.
    let path: String

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "tallyd-archive-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        path = folder.appending(path: "2026-11-20.jsonl.zst").path
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }

    /// The names of all files in the folder, in order.
    func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    }

    func bytes() throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }

    func replace(_ bytes: some Sequence<UInt8>) throws {
        try Data(bytes).write(to: URL(filePath: path))
    }

    /// Writes and publishes an archive of these lines.
    @discardableResult
    func write(_ lines: [ContiguousArray<UInt8>], files: ArchiveFiles = .system) throws -> ArchiveDigest {
        let writer = try ArchiveWriter(path: path, files: files)
        for line in lines { try writer.append(line) }
        let digest = try writer.finish()
        try ArchiveWriter.publish(path: path, files: files)
        return digest
    }

    /// All lines of the archive.
    func lines(files: ArchiveFiles = .system) throws -> [ContiguousArray<UInt8>] {
        let reader = try ArchiveReader(path: path, files: files)
        var lines: [ContiguousArray<UInt8>] = []
        while let line = try reader.next() { lines.append(line) }
        return lines
    }

    /// What happens when the archive is verified: nil, or what was found.
    func problem(expecting digest: ArchiveDigest, files: ArchiveFiles = .system) -> StorageError? {
        do {
            try ArchiveReader.verify(path: path, expected: digest, files: files)
            return nil
        } catch {
            return error as? StorageError
        }
    }

    /// Lines that zstd can't make much smaller: of so many bytes, newline included, in printable ASCII.
    static func lines(_ count: Int, ofBytes size: Int, seed: UInt64) -> [ContiguousArray<UInt8>] {
        var random = SplitMix64(seed: seed)
        return (0..<count).map { _ in
            ContiguousArray((1..<size).map { _ in UInt8.random(in: 0x20...0x7E, using: &random) } + [0x0A])
        }
    }
}
