import GRDBSQLite
import TestSupport
import Testing

@testable import Storage

@Suite struct `Frames that are written together` {
    /// One log's writes as SQLite makes them, by way of the kept frames.
    private struct Log {
        let below = RecordedFile()
        var frames = KeptFrames()
        var end: Int64 = 32

        mutating func write(_ bytes: [UInt8], at offset: Int64) -> Int32 {
            bytes.withUnsafeBytes { bytes in
                guard let start = bytes.baseAddress else { return SQLITE_OK }
                return frames.write(start, bytes.count, at: offset, to: below.file)
            }
        }

        mutating func frame(_ page: Int, isLast: Bool = false, byte: UInt8 = 7) -> Int32 {
            var header = [UInt8](repeating: byte, count: 24)
            header.replaceSubrange(4..<8, with: isLast ? [0, 0, 1, 0] : [0, 0, 0, 0])
            let code = write(header, at: end)
            guard code == SQLITE_OK else { return code }
            defer { end += Int64(24 + page) }
            return write([UInt8](repeating: byte, count: page), at: end + 24)
        }
    }

    @Test func `a commit of 31 pages of 4 KiB is one write, and is in the file when its last frame is written`() {
        var log = Log()
        log.frames.begin()
        for number in 1...30 {
            #expect(log.frame(4_096, byte: UInt8(number)) == SQLITE_OK)
            #expect(log.below.writes.isEmpty)
        }
        #expect(log.frame(4_096, isLast: true) == SQLITE_OK)
        #expect(log.below.writes.map(\.offset) == [32])
        #expect(log.below.writes.map(\.bytes.count) == [31 * 4_120])
        log.frames.end()
        log.frames.free()
    }

    @Test(arguments: [(512, 1_000), (4_096, 1_000), (65_536, 5)])
    func `a large commit is written in pieces of less than 128 KiB`(page: Int, frames: Int) {
        var log = Log()
        log.frames.begin()
        for number in 1...frames { #expect(log.frame(page, isLast: number == frames) == SQLITE_OK) }
        let bytes = frames * (24 + page)
        #expect(log.below.writes.reduce(0) { $0 + $1.bytes.count } == bytes)
        #expect(log.below.writes.count <= bytes / (0x1_FFFF - page - 24) + 1)
        log.frames.free()
    }

    @Test func `outside of a commit every write is written at once`() {
        var log = Log()
        for number in 1...20 {
            #expect(log.frame(4_096, isLast: number % 7 == 0) == SQLITE_OK)
            #expect(log.below.writes.count == 2 * number)
        }
    }

    @Test func `behind a commit's last frame nothing is kept`() {
        var log = Log()
        log.frames.begin()
        _ = log.frame(512, isLast: true)
        // As SQLite corrects the checksums of what was spilled: headers without pages.
        #expect(log.write([UInt8](repeating: 1, count: 24), at: 32) == SQLITE_OK)
        #expect(log.below.writes.count == 2)
        log.frames.free()
    }

    @Test func `what a failed commit leaves is never written`() {
        var log = Log()
        log.frames.begin()
        for _ in 1...5 { _ = log.frame(4_096) }
        log.frames.end()
        #expect(log.frames.settle(log.below.file) == SQLITE_OK)
        #expect(log.write([1], at: 0) == SQLITE_OK)
        #expect(log.below.writes == [RecordedFile.Write(offset: 0, bytes: [1])])
        log.frames.free()
    }

    @Test func `a full volume is told by the write that meets it`() {
        var log = Log()
        log.frames.begin()
        _ = log.frame(4_096)
        log.below.isFull = true
        #expect(log.frame(4_096, isLast: true) == SQLITE_FULL)
        #expect(log.below.writes.isEmpty)
        log.frames.end()
        log.frames.free()
    }

    /// Any sequence of writes, also such as SQLite never makes: what is in the file is always what the first so many of them make.
    @Test func `random writes come into the file in their order, and all of them when they have to`() {
        var random = SplitMix64(for: "Frames that are written together")
        for _ in 0..<400 {
            var log = Log()
            var all: [RecordedFile.Write] = []
            /// How many of them have to be there.
            var sure = 0
            var isCommitting = false
            /// Whether the write before was a commit's header, of its last frame or not.
            var header: (end: Int64, isLast: Bool)?
            for _ in 0..<60 {
                log.below.isFull = Int.random(in: 0..<40, using: &random) == 0
                let written = log.below.writes.count
                var code = SQLITE_OK
                switch Int.random(in: 0..<12, using: &random) {
                case 0:
                    // Between two of SQLite's commits nothing is kept.
                    code = log.frames.settle(log.below.file)
                    header = nil
                    if code == SQLITE_OK {
                        sure = all.count
                        log.frames.begin()
                        isCommitting = true
                    }
                case 1:
                    log.frames.end()
                    (isCommitting, header) = (false, nil)
                    all = Self.split(log.below.writes)
                    sure = all.count
                case 2:
                    code = log.frames.settle(log.below.file)
                    header = nil
                    if code == SQLITE_OK { sure = all.count }
                default:
                    let write = Self.write(after: all.last, header != nil, &random)
                    let ends = write.offset + Int64(write.bytes.count)
                    all.append(write)
                    code = log.write(write.bytes, at: write.offset)
                    let isPage = header?.end == write.offset && 512...65_536 ~= write.bytes.count
                    if !isCommitting { sure = all.count }
                    if isCommitting, isPage, header?.isLast == true { (sure, isCommitting) = (all.count, false) }
                    let isHeader = isCommitting && header == nil && write.bytes.count == 24
                    header = isHeader ? (ends, write.bytes[4..<8].contains { $0 != 0 }) : nil
                }
                if code != SQLITE_OK {
                    #expect(code == SQLITE_FULL)
                    // SQLite gives up.
                    log.frames.end()
                    (isCommitting, header) = (false, nil)
                    all = Self.split(log.below.writes)
                    sure = all.count
                }
                #expect(log.below.writes.count >= written)
                let there = RecordedFile.content(log.below.writes)
                let isPrefix = (sure...max(sure, all.count)).contains { RecordedFile.content(all.prefix($0)) == there }
                #expect(isPrefix, "\(sure) of \(all.count) writes had to be there")
                guard isPrefix else { return }
            }
            log.frames.free()
        }
    }

    /// The writes themselves, for a model that goes on from what is there.
    private static func split(_ writes: [RecordedFile.Write]) -> [RecordedFile.Write] {
        [RecordedFile.Write(offset: 0, bytes: RecordedFile.content(writes))]
    }

    private static func write(
        after last: RecordedFile.Write?, _ afterHeader: Bool, _ random: inout SplitMix64
    ) -> RecordedFile.Write {
        let follows = Int.random(in: 0..<10, using: &random) > 0
        let end = last.map { $0.offset + Int64($0.bytes.count) } ?? 32
        let offset = follows ? end : Int64.random(in: 0...max(end, 1), using: &random)
        let sizes = afterHeader ? [512, 512, 1_024, 24, 511] : [24, 24, 24, 24, 512, 8]
        var bytes = (0..<(sizes.randomElement(using: &random) ?? 24)).map { _ in
            UInt8.random(in: 0...255, using: &random)
        }
        if bytes.count == 24, Int.random(in: 0..<4, using: &random) > 0 {
            bytes.replaceSubrange(4..<8, with: [0, 0, 0, 0])
        }
        return RecordedFile.Write(offset: offset, bytes: bytes)
    }
}
