import CZstd
import Crypto
import Glibc

/// Reads an archive line by line, from its first byte to its last, and sums up what it read.
///
/// Every frame of the file is read, one after the other: zstd files may be concatenated (RFC 8878, section 3.1). A frame that is cut short, bytes
/// behind the last frame that begin no other, and a last line without a newline are errors. Memory holds one line and one window of zstd.
package final class ArchiveReader {
    package let path: String
    /// What the archive holds; nil until its end was read, and for good of one that is read without sums.
    package private(set) var digest: ArchiveDigest?
    private var isAtEnd = false
    private let files: ArchiveFiles
    private let file: Int32
    private let context: OpaquePointer

    /// Bytes of the file: those from `input.pos` on are not yet given to zstd.
    private let source: UnsafeMutableRawBufferPointer
    private var input: ZSTD_inBuffer
    /// Whether a frame has begun and not ended.
    private var isInFrame = false
    /// Whether zstd may have more for us without more of the file.
    private var isOutputPending = false

    /// Decompressed bytes: those in `unread` are not yet given out, and those below `searchedTo` hold no newline.
    private var content: UnsafeMutableBufferPointer<UInt8>
    private var unread = 0..<0
    private var searchedTo = 0

    private let sums: Bool
    private var contentHash = SHA256()
    private var fileHash = SHA256()
    private var rows: Int64 = 0
    private var contentBytes: Int64 = 0
    private var fileBytes: Int64 = 0
    private var failure: (any Error)?

    /// The longest look-back that is allowed to a frame: 128 MiB (2^27), zstd's own limit unless told otherwise, and what level 22 makes.
    private static let windowLogLimit: Int32 = 27

    /// - Parameter sums: whether to form the digest; hashing takes half of the time that a reading takes. Without it nothing tells of a file that changed,
    ///   except where zstd's own checksum does.
    package init(path: String, files: ArchiveFiles = .system, sums: Bool = true) throws {
        guard let context = ZSTD_createDCtx() else {
            throw StorageError(
                .archiveFailed, cannot: "read", path, because: "there is no memory for zstd",
                remedy: "Give tallyd more memory (MemoryMax= of its unit).")
        }
        do {
            file = try ArchiveFiles.retrying { () throws(ArchiveFiles.Failure) in try files.openToRead(path) }
        } catch {
            ZSTD_freeDCtx(context)
            throw StorageError.wrapping(error, cannot: "open", archive: path)
        }
        ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.windowLogLimit)
        self.path = path
        self.files = files
        self.sums = sums
        self.context = context
        // Sizes as zstd.h recommends: enough for one compressed block, and for what it holds.
        source = .allocate(byteCount: ZSTD_DStreamInSize(), alignment: 16)
        input = ZSTD_inBuffer(src: UnsafeRawPointer(source.baseAddress), size: 0, pos: 0)
        // Twice, since the line that two blocks share keeps its beginning here.
        content = .allocate(capacity: 2 * ZSTD_DStreamOutSize())
    }

    deinit {
        // It was opened to be read: a failure to close it says nothing of what is on the disk.
        try? files.close(file)
        ZSTD_freeDCtx(context)
        source.deallocate()
        content.deallocate()
    }

    /// Calls `visit` with every line that is left, newline included. The bytes are valid during that call.
    package func forEachLine(_ visit: (UnsafeBufferPointer<UInt8>) throws -> Void) throws {
        while let line = try nextLine() { try visit(line) }
    }

    /// The next line, newline included; nil at the end of an archive that is whole.
    package func next() throws -> ContiguousArray<UInt8>? {
        try nextLine().map { ContiguousArray($0) }
    }

    /// Whether the next line is this one; false at the end.
    package func isNext(_ line: UnsafeBufferPointer<UInt8>) throws -> Bool {
        guard let next = try nextLine(), next.count == line.count else { return false }
        guard let mine = next.baseAddress, let other = line.baseAddress else { return true }
        return memcmp(mine, other, line.count) == 0
    }

    /// Reads the whole archive and compares it.
    ///
    /// - Throws: `StorageError` of kind `archiveDamaged` that names each figure that differs.
    package static func verify(path: String, expected: ArchiveDigest, files: ArchiveFiles = .system) throws {
        try ArchiveReader(path: path, files: files).verify(expected: expected)
    }

    /// The same of a file that is open, wherever its name went since. Nothing of it may have been read yet.
    private func verify(expected: ArchiveDigest) throws {
        try forEachLine { _ in }
        try compare(digest?.differences(from: expected))
    }

    /// Compares the file's bytes with those that were decoded and counted when the digest was formed: the same bytes hold the same lines. A sixth of the
    /// bytes, and none to decompress.
    ///
    /// Nothing of it may have been read yet, and no line of it can be read afterwards.
    ///
    /// - Throws: `StorageError` of kind `archiveDamaged` that names each figure that differs.
    func verifyFile(expected: ArchiveDigest) throws {
        while try readFile() {}
        isAtEnd = true
        try compare(
            ArchiveDigest(
                rows: expected.rows, contentBytes: expected.contentBytes, contentSHA256: expected.contentSHA256,
                fileBytes: fileBytes, fileSHA256: Hex.text(fileHash.finalize())
            ).differences(from: expected))
    }

    private func compare(_ differences: [String]?) throws {
        let differences = differences ?? ["its end was not reached"]
        guard differences.isEmpty else { throw damage(differences.joined(separator: ", "), cannot: "verify") }
    }

    // MARK: Lines

    /// Valid until the next call.
    private func nextLine() throws -> UnsafeBufferPointer<UInt8>? {
        if let failure { throw failure }
        guard !isAtEnd else { return nil }
        do {
            while true {
                if let line = try bufferedLine() {
                    rows += 1
                    return line
                }
                guard try fill() else { break }
            }
            try end()
            return nil
        } catch {
            failure = error
            throw error
        }
    }

    private func bufferedLine() throws -> UnsafeBufferPointer<UInt8>? {
        let decompressed = UnsafeBufferPointer(rebasing: content[..<unread.upperBound])
        let newline = decompressed.firstNewline(from: searchedTo)
        let end = newline.map { $0 + 1 } ?? decompressed.count
        searchedTo = end
        guard end - unread.lowerBound <= ArchiveLine.longestLineBytes else {
            throw damage("line \(rows + 1) is longer than \(ArchiveLine.longestLineBytes) bytes")
        }
        guard newline != nil else { return nil }
        let line = UnsafeBufferPointer(rebasing: decompressed[unread.lowerBound..<end])
        unread = end..<unread.upperBound
        return line
    }

    private func end() throws {
        if isInFrame { throw damage("it is cut short: its last zstd frame has no end") }
        if fileBytes == 0 { throw damage("it is empty") }
        if !unread.isEmpty { throw damage("its last line, line \(rows + 1), has no end") }
        isAtEnd = true
        guard sums else { return }
        digest = ArchiveDigest(
            rows: rows, contentBytes: contentBytes, contentSHA256: Hex.text(contentHash.finalize()),
            fileBytes: fileBytes, fileSHA256: Hex.text(fileHash.finalize()))
    }

    // MARK: The file

    /// Decompresses more behind what is unread. False at the file's end.
    private func fill() throws -> Bool {
        makeRoom()
        while true {
            if input.pos < input.size || isOutputPending {
                if try decompress() { return true }
            } else if try !readFile() {
                return false
            }
        }
    }

    /// Moves what is unread to the front, and doubles the room when a line fills it.
    private func makeRoom() {
        let count = unread.count
        if count * 2 > content.count {
            let larger = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: content.count * 2)
            _ = larger.initialize(fromContentsOf: content[unread])
            content.deallocate()
            content = larger
        } else if unread.lowerBound > 0, let base = content.baseAddress {
            memmove(base, base + unread.lowerBound, count)
        }
        searchedTo -= unread.lowerBound
        unread = 0..<count
    }

    /// True when there is more content.
    private func decompress() throws -> Bool {
        var output = ZSTD_outBuffer(dst: content.baseAddress, size: content.count, pos: unread.upperBound)
        let left = ZSTD_decompressStream(context, &output, &input)
        guard ZSTD_isError(left) == 0 else {
            throw damage("zstd says \"\(String(cString: ZSTD_getErrorName(left)))\" after line \(rows)")
        }
        // zstd.h: 0 when a frame is decoded and given out whole.
        isInFrame = left != 0
        isOutputPending = isInFrame && output.pos == output.size
        let fresh = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(content)[unread.upperBound..<output.pos])
        if sums { contentHash.update(bufferPointer: fresh) }
        contentBytes += Int64(fresh.count)
        unread = unread.lowerBound..<output.pos
        return !fresh.isEmpty
    }

    private func readFile() throws -> Bool {
        let count: Int
        do {
            count = try ArchiveFiles.retrying { () throws(ArchiveFiles.Failure) in try files.read(file, source) }
        } catch {
            throw StorageError.wrapping(error, cannot: "read", archive: path)
        }
        if sums { fileHash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: source[..<count])) }
        fileBytes += Int64(count)
        input = ZSTD_inBuffer(src: UnsafeRawPointer(source.baseAddress), size: count, pos: 0)
        return count > 0
    }

    private func damage(_ cause: String, cannot operation: String = "read") -> StorageError {
        StorageError(
            .archiveDamaged, cannot: operation, path, because: cause,
            remedy: "Restore the file from a copy. While its rows are in the database, it can be written anew.")
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// The index of the first newline at or behind `start`.
    func firstNewline(from start: Int) -> Int? {
        guard let base = baseAddress, start < count,
            let newline = memchr(base + start, Int32(UInt8(ascii: "\n")), count - start)
        else { return nil }
        return UnsafeRawPointer(newline) - UnsafeRawPointer(base)
    }
}

// Handed from one closure to the next, each of which ends before the next begins; never used by two at once.
extension ArchiveReader: @unchecked Sendable {}
