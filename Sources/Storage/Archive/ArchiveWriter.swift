import CZstd
import Crypto

/// Writes one archive: lines of JSON, compressed as one zstd frame (RFC 8878), with the frame's own checksum.
///
/// It stands as `<path>.tmp` until `publish`. Holds a chunk of lines, a block of the frame and zstd's window, however long the archive gets. After an
/// error nothing more can be written, and `<path>.tmp` is removed if that is possible.
package final class ArchiveWriter {
    package let path: String
    private var file: PendingFile
    private let context: OpaquePointer
    /// Lines not yet given to zstd.
    private var chunk: ContiguousArray<UInt8> = []
    /// Bytes of the frame not yet written to the file.
    private let block: UnsafeMutableRawBufferPointer
    private var blockCount = 0
    private var contentHash = SHA256()
    private var fileHash = SHA256()
    private var rows: Int64 = 0
    private var contentBytes: Int64 = 0
    private var fileBytes: Int64 = 0
    private var state = State.open

    private enum State { case open, finished, abandoned }

    /// Lines are hashed and compressed so many bytes at a time: what a call of either costs is nothing beside it, and it stays in the processor's cache.
    private static let chunkBytes = 128 * 1_024

    /// - Parameters:
    ///   - path: where the archive will stand once it is published.
    ///   - level: zstd's, −7 to 22. Its default is 3; from 20 on it takes hundreds of megabytes of memory.
    package init(path: String, files: ArchiveFiles = .system, level: Int32 = 3) throws {
        guard let context = ZSTD_createCCtx() else {
            throw Self.zstdFailure(path, "there is no memory for zstd")
        }
        self.path = path
        self.context = context
        // As zstd.h recommends: enough for one compressed block, whatever it holds.
        block = .allocate(byteCount: ZSTD_CStreamOutSize(), alignment: 16)
        do {
            file = try PendingFile(path: path, files: files)
        } catch {
            ZSTD_freeCCtx(context)
            block.deallocate()
            throw error
        }
        chunk.reserveCapacity(Self.chunkBytes)
        for (parameter, value) in [(ZSTD_c_compressionLevel, level), (ZSTD_c_checksumFlag, 1)] {
            let code = ZSTD_CCtx_setParameter(context, parameter, value)
            guard ZSTD_isError(code) == 0 else {
                abandon()
                throw Self.zstdFailure(path, String(cString: ZSTD_getErrorName(code)))
            }
        }
    }

    deinit {
        if state == .open { abandon() }
        ZSTD_freeCCtx(context)
        block.deallocate()
    }

    /// Appends one line.
    ///
    /// - Parameter line: as `ArchiveLine` encodes it: one newline, at its end, and no longer than `ArchiveLine.longestLineBytes`.
    package func append(_ line: UnsafeBufferPointer<UInt8>) throws {
        try abandoningOnError {
            guard let newline = line.firstNewline(from: 0), newline == line.count - 1 else {
                throw StorageError(
                    .archiveFailed, cannot: "write to", path, because: "what should be one line is none, or several",
                    remedy: "This is a fault of tallyd's; report it with this line.")
            }
            guard line.count <= ArchiveLine.longestLineBytes else {
                throw StorageError(
                    .archiveFailed, cannot: "write to", path,
                    because: "row \(rows + 1) takes \(line.count) bytes, more than \(ArchiveLine.longestLineBytes)",
                    remedy: "Shorten or delete that row's texts in the database; no archive can hold it.")
            }
            if chunk.count + line.count > Self.chunkBytes { try compressChunk() }
            if line.count < Self.chunkBytes {
                chunk.append(contentsOf: line)
            } else {
                try compress(UnsafeRawBufferPointer(line))
            }
            rows += 1
        }
    }

    /// Appends one line.
    package func append(_ line: ContiguousArray<UInt8>) throws {
        try line.withUnsafeBufferPointer { try append($0) }
    }

    /// Ends the frame and brings the file to the disk; it still is `<path>.tmp`.
    package func finish() throws -> ArchiveDigest {
        try abandoningOnError {
            try compressChunk()
            try compress(UnsafeRawBufferPointer(start: nil, count: 0), ZSTD_e_end)
            try writeBlock()
            try file.finish()
            state = .finished
            return ArchiveDigest(
                rows: rows, contentBytes: contentBytes, contentSHA256: Hex.text(contentHash.finalize()),
                fileBytes: fileBytes, fileSHA256: Hex.text(fileHash.finalize()))
        }
    }

    /// Closes and removes `<path>.tmp`. A published archive stays.
    package func abandon() {
        guard state != .abandoned else { return }
        state = .abandoned
        file.abandon()
    }

    /// Gives the finished archive its name: renames `<path>.tmp`, and brings the folder to the disk. What had that name is replaced.
    ///
    /// On an error there is neither a file of that name nor a `<path>.tmp`, as far as they could be removed.
    package static func publish(path: String, files: ArchiveFiles = .system) throws {
        try PendingFile.publish(path: path, files: files)
    }

    // MARK: The frame

    private func compressChunk() throws {
        guard !chunk.isEmpty else { return }
        try chunk.withUnsafeBytes { try compress($0) }
        chunk.removeAll(keepingCapacity: true)
    }

    private func compress(_ content: UnsafeRawBufferPointer, _ directive: ZSTD_EndDirective = ZSTD_e_continue) throws {
        contentHash.update(bufferPointer: content)
        contentBytes += Int64(content.count)
        var input = ZSTD_inBuffer(src: content.baseAddress, size: content.count, pos: 0)
        while true {
            var output = ZSTD_outBuffer(dst: block.baseAddress, size: block.count, pos: blockCount)
            let left = ZSTD_compressStream2(context, &output, &input, directive)
            guard ZSTD_isError(left) == 0 else {
                throw Self.zstdFailure(path, String(cString: ZSTD_getErrorName(left)))
            }
            blockCount = output.pos
            if directive == ZSTD_e_end ? left == 0 : input.pos == input.size { return }
            try writeBlock()
        }
    }

    private func writeBlock() throws {
        let bytes = UnsafeRawBufferPointer(rebasing: block[..<blockCount])
        try file.write(bytes)
        fileHash.update(bufferPointer: bytes)
        fileBytes += Int64(bytes.count)
        blockCount = 0
    }

    private func abandoningOnError<T>(_ work: () throws -> T) throws -> T {
        guard state == .open else {
            throw StorageError(
                .archiveFailed, cannot: "write to", path,
                because: state == .finished ? "it was finished before" : "it was given up before",
                remedy: "Write it anew from its beginning.")
        }
        do {
            return try work()
        } catch {
            abandon()
            throw error
        }
    }

    private static func zstdFailure(_ path: String, _ cause: String) -> StorageError {
        StorageError(
            .archiveFailed, cannot: "compress", path, because: cause,
            remedy: "Give tallyd more memory (MemoryMax= of its unit), or take a lower level.")
    }
}

// Handed from one closure to the next, each of which ends before the next begins; never used by two at once.
extension ArchiveWriter: @unchecked Sendable {}
