import Foundation
import Scheduling
import Storage
import TestSupport
import Testing

@Suite struct `Archive faults` {
    /// Too large for one block of zstd's, so that there are several writes and reads.
    private static let lines = ArchiveFolder.lines(3_000, ofBytes: 100, seed: 21)
    private static let codes = [ENOSPC, EIO, EACCES]

    /// What a fault of this errno is called.
    private static func kind(_ code: Int32) -> StorageError.Kind {
        switch code {
        case ENOSPC: .full
        case EACCES: .readOnly
        default: .archiveFailed
        }
    }

    /// Lets the n-th call fail, for n = 1, 2, 3 … until `work` makes fewer calls than that. Returns the names of those that failed.
    private static func forEachCall(
        code: Int32, longestTransfer: Int = .max, work: (ArchiveFiles) throws -> Void,
        check: (_ call: String) throws -> Void
    ) throws -> Set<String> {
        var struck: Set<String> = []
        for number in 1...10_000 {
            let faulty = FaultyFiles(.call(number, code: code), longestTransfer: longestTransfer)
            var failure: (any Error)?
            do {
                try work(faulty.files)
            } catch {
                failure = error
            }
            guard let call = faulty.struck else {
                #expect(failure == nil, "no call failed")
                return struck
            }
            let error = try #require(failure as? StorageError, "call \(number), \(call), failed in silence")
            #expect(error.kind == kind(code), "call \(number), \(call)")
            #expect(error.cause == String(cString: strerror(code)))
            struck.insert(call)
            try check("call \(number), \(call)")
        }
        Issue.record("there is no end to the calls")
        return struck
    }

    @Test(arguments: codes)
    func `whichever call of writing fails, there is no file, and the next try works`(code: Int32) throws {
        let folder = try ArchiveFolder()
        let struck = try Self.forEachCall(code: code) { files in
            try folder.write(Self.lines, files: files)
        } check: { call in
            let names = try folder.names()
            #expect(names.isEmpty, "\(call)")
        }
        #expect(struck == ["openToWrite", "write", "fsync", "close", "openFolder", "rename"])
        let digest = try folder.write(Self.lines)
        #expect(folder.problem(expecting: digest) == nil)
    }

    @Test(arguments: codes)
    func `whichever short write fails, there is no file`(code: Int32) throws {
        let folder = try ArchiveFolder()
        let few = ArchiveFolder.lines(50, ofBytes: 100, seed: 22)
        let struck = try Self.forEachCall(code: code, longestTransfer: 512) { files in
            try folder.write(few, files: files)
        } check: { call in
            let names = try folder.names()
            #expect(names.isEmpty, "\(call)")
        }
        #expect(struck.contains("write"))
    }

    @Test(arguments: codes)
    func `whichever call of verifying fails, nothing is called proven`(code: Int32) throws {
        let folder = try ArchiveFolder()
        let digest = try folder.write(Self.lines)
        let struck = try Self.forEachCall(code: code) { files in
            try ArchiveReader.verify(path: folder.path, expected: digest, files: files)
        } check: { call in
            #expect(folder.problem(expecting: digest) == nil, "\(call)")
        }
        #expect(struck == ["openToRead", "read"])
    }

    @Test(arguments: codes)
    func `whichever call of the sidecar fails, there is none, and the next try works`(code: Int32) throws {
        let folder = try ArchiveFolder()
        let sidecar = ArchiveSidecar.sample()
        let struck = try Self.forEachCall(code: code) { files in
            try sidecar.write(for: folder.path, files: files)
        } check: { call in
            let names = try folder.names()
            #expect(names.isEmpty, "\(call)")
        }
        #expect(struck == ["openToWrite", "write", "fsync", "close", "openToRead", "read", "openFolder", "rename"])
        try sidecar.write(for: folder.path)
        #expect(try ArchiveSidecar.read(for: folder.path) == sidecar)
    }

    @Test(arguments: codes)
    func `a volume that fails for good, removing files included, is never taken for success`(code: Int32) throws {
        for number in 1...10_000 {
            let folder = try ArchiveFolder()
            let faulty = FaultyFiles(.allFrom(number, code: code))
            do {
                let digest = try folder.write(Self.lines, files: faulty.files)
                try ArchiveReader.verify(path: folder.path, expected: digest, files: faulty.files)
                try ArchiveSidecar.sample().write(for: folder.path, files: faulty.files)
                #expect(faulty.struck == nil)
                return
            } catch let error as StorageError {
                #expect(faulty.struck != nil)
                #expect(error.kind == Self.kind(code))
            }
            // What the failed try left behind is no hindrance.
            let digest = try folder.write(Self.lines)
            #expect(folder.problem(expecting: digest) == nil)
            try ArchiveSidecar.sample().write(for: folder.path)
            #expect(try folder.names() == ["2026-11-20.jsonl.zst", "2026-11-20.jsonl.zst.json"])
        }
        Issue.record("there is no end to the calls")
    }

    @Test(arguments: [1, 7, 4_096])
    func `reads and writes of a few bytes at a time give the same file`(size: Int) throws {
        let folder = try ArchiveFolder()
        let lines = ArchiveFolder.lines(100, ofBytes: 100, seed: 23)
        let digest = try folder.write(lines)
        let bytes = try folder.bytes()
        let slow = FaultyFiles(.none, longestTransfer: size)
        #expect(try folder.write(lines, files: slow.files) == digest)
        #expect(try folder.bytes() == bytes)
        #expect(folder.problem(expecting: digest, files: slow.files) == nil)
        #expect(slow.calls > bytes.count / size)
    }

    @Test func `calls that a signal cuts short are made again`() throws {
        let folder = try ArchiveFolder()
        let interrupted = FaultyFiles(.interrupted, longestTransfer: 50_000)
        let digest = try folder.write(Self.lines, files: interrupted.files)
        #expect(folder.problem(expecting: digest, files: interrupted.files) == nil)
        try ArchiveSidecar.sample().write(for: folder.path, files: interrupted.files)
        #expect(try ArchiveSidecar.read(for: folder.path, files: interrupted.files) == .sample())
    }

    @Test func `a write that writes nothing is an error, not an endless loop`() throws {
        let folder = try ArchiveFolder()
        var files = ArchiveFiles.system
        files.write = { _, _ in 0 }
        let error = #expect(throws: StorageError.self) { try folder.write(Self.lines, files: files) }
        #expect(error?.kind == .archiveFailed)
        #expect(try folder.names().isEmpty)
    }

    @Test func `a refused rename leaves the archive that was there`() throws {
        let folder = try ArchiveFolder()
        let digest = try folder.write(Self.lines)
        var files = ArchiveFiles.system
        files.rename = { _, _ throws(ArchiveFiles.Failure) in throw ArchiveFiles.Failure(code: EACCES) }
        #expect(throws: StorageError.self) { try folder.write([], files: files) }
        #expect(folder.problem(expecting: digest) == nil)
        #expect(try folder.names() == ["2026-11-20.jsonl.zst"])
    }

    @Test func `an error names the path, the system's words and what to do`() throws {
        let folder = try ArchiveFolder()
        let faulty = FaultyFiles(.call(2, code: ENOSPC))
        let error = #expect(throws: StorageError.self) { try folder.write(Self.lines, files: faulty.files) }
        #expect(
            error?.description
                == "cannot write \(folder.path).tmp: No space left on device. "
                + "Free space on its volume, or raise the quota or limit; then it is written anew.")
    }

    @Test func `a folder that is not there is named`() throws {
        let folder = try ArchiveFolder()
        let path = folder.folder.path + "/none/day.zst"
        let error = #expect(throws: StorageError.self) { try ArchiveWriter(path: path) }
        #expect(error?.kind == .missing)
        #expect(error?.subject == path + ".tmp")
    }

    // MARK: Giving up

    @Test func `an archive given up leaves nothing, finished or not`() throws {
        let folder = try ArchiveFolder()
        var writer = try ArchiveWriter(path: folder.path)
        try writer.append(Self.lines[0])
        #expect(try folder.names() == ["2026-11-20.jsonl.zst.tmp"])
        writer.abandon()
        writer.abandon()
        #expect(try folder.names().isEmpty)
        #expect(throws: StorageError.self) { try writer.append(Self.lines[0]) }
        #expect(throws: StorageError.self) { try writer.finish() }

        writer = try ArchiveWriter(path: folder.path)
        _ = try writer.finish()
        #expect(throws: StorageError.self) { try writer.append(Self.lines[0]) }
        #expect(try folder.names() == ["2026-11-20.jsonl.zst.tmp"])
        writer.abandon()
        #expect(try folder.names().isEmpty)
    }

    @Test func `an archive that nobody finished is removed with its writer, and a finished one is not`() throws {
        let folder = try ArchiveFolder()
        do {
            let writer = try ArchiveWriter(path: folder.path)
            try writer.append(Self.lines[0])
        }
        #expect(try folder.names().isEmpty)
        do { _ = try ArchiveWriter(path: folder.path).finish() }
        #expect(try folder.names() == ["2026-11-20.jsonl.zst.tmp"])
    }

    @Test func `no descriptor is left open, whatever failed`() throws {
        let folder = try ArchiveFolder()
        let before = try Self.openFiles(in: folder)
        _ = try Self.forEachCall(code: EIO) { files in
            let digest = try folder.write(Self.lines, files: files)
            try ArchiveReader.verify(path: folder.path, expected: digest, files: files)
            try ArchiveSidecar.sample().write(for: folder.path, files: files)
        } check: { _ in
        }
        #expect(try Self.openFiles(in: folder) == before)
    }

    /// Descriptors of this process on the folder or a file in it; other tests have their own.
    private static func openFiles(in folder: ArchiveFolder) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count { name in
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)")
            return target?.contains(folder.folder.lastPathComponent) == true
        }
    }
}
