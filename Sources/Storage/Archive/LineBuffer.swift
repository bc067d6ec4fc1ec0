/// A line as it grows: its pieces gather in a kilobyte of the stack, and go to the array many at a time.
///
/// An array asks at each append whether it is shared and whether it has room. For the sixty pieces of a usage row that took a third of the time
/// (measured).
struct LineBuffer {
    private let room: UnsafeMutableBufferPointer<UInt8>
    private var count = 0
    private var bytes: ContiguousArray<UInt8> = []

    /// Longer than most lines; what is longer still goes by way of several.
    private static let roomBytes = 1_024

    private init(_ room: UnsafeMutableBufferPointer<UInt8>) {
        self.room = room
    }

    /// Appends to `bytes` what `body` appends to its line, also when it throws.
    @inline(__always)
    static func append(
        to bytes: inout ContiguousArray<UInt8>, _ body: (inout LineBuffer) throws -> Void
    ) rethrows {
        try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: roomBytes) { room in
            var line = LineBuffer(room)
            // Taken and not copied: two owners of one array would have it copied at its next change.
            swap(&line.bytes, &bytes)
            defer {
                line.flush()
                swap(&line.bytes, &bytes)
            }
            try body(&line)
        }
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        if count == room.count { flush() }
        room[count] = byte
        count &+= 1
    }

    @inline(__always)
    mutating func append(contentsOf piece: UnsafeBufferPointer<UInt8>) {
        if piece.count > room.count &- count {
            flush()
            guard piece.count <= room.count else {
                bytes.append(contentsOf: piece)
                return
            }
        }
        guard let from = piece.baseAddress, let to = room.baseAddress else { return }
        (to + count).update(from: from, count: piece.count)
        count &+= piece.count
    }

    @inline(__always)
    mutating func append(_ literal: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }

    @inline(never)
    private mutating func flush() {
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: room[..<count]))
        count = 0
    }
}
