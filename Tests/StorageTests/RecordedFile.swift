import GRDBSQLite

/// A file of SQLite's in memory, which notes what was written to it and fails when told to.
final class RecordedFile {
    struct Write: Equatable {
        let offset: Int64
        let bytes: [UInt8]
    }

    private struct File {
        var file: sqlite3_file
        let owner: Unmanaged<RecordedFile>
    }

    private(set) var writes: [Write] = []
    /// The next write fails.
    var isFull = false
    private let place = UnsafeMutablePointer<File>.allocate(capacity: 1)
    private let methods = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)

    init() {
        methods.initialize(to: sqlite3_io_methods())
        methods.pointee.xWrite = { file, bytes, count, offset in
            guard let file, let bytes else { return SQLITE_MISUSE }
            let owner = UnsafeMutableRawPointer(file).assumingMemoryBound(to: File.self).pointee.owner
            return owner.takeUnretainedValue().take(UnsafeRawBufferPointer(start: bytes, count: Int(count)), offset)
        }
        place.initialize(to: File(file: sqlite3_file(pMethods: methods), owner: Unmanaged.passUnretained(self)))
    }

    deinit {
        place.deallocate()
        methods.deallocate()
    }

    var file: UnsafeMutablePointer<sqlite3_file> {
        UnsafeMutableRawPointer(place).assumingMemoryBound(to: sqlite3_file.self)
    }

    private func take(_ bytes: UnsafeRawBufferPointer, _ offset: Int64) -> Int32 {
        guard bytes.count <= 0x1_FFFF else { return SQLITE_TOOBIG }
        guard !isFull else {
            isFull = false
            return SQLITE_FULL
        }
        writes.append(Write(offset: offset, bytes: Array(bytes)))
        return SQLITE_OK
    }

    /// What a file holds after writes in their order.
    static func content(_ writes: some Sequence<Write>) -> [UInt8] {
        var content: [UInt8] = []
        for write in writes {
            let end = Int(write.offset) + write.bytes.count
            if content.count < end { content += [UInt8](repeating: 0, count: end - content.count) }
            content.replaceSubrange(Int(write.offset)..<end, with: write.bytes)
        }
        return content
    }
}
