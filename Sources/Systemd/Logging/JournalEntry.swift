/// One entry in the journal's native protocol: a datagram of fields, by systemd's "Native Journal Protocol".
struct JournalEntry {
    /// The most that a datagram may hold. The kernel's default send buffer ends a little above 200 KB, and larger
    /// entries would have to go through a sealed memory file.
    static let byteLimit = 180_000

    /// The journal takes 1,024 fields of an entry; it adds some of its own.
    private static let fieldLimit = 512

    private var fields: [(name: String, value: [UInt8])] = []

    /// - Parameter name: a valid field name; see `JournalFieldName`.
    mutating func append(_ name: String, _ value: String) {
        guard fields.count < Self.fieldLimit else { return }
        fields.append((name, Array(value.utf8)))
    }

    /// The datagram. Where the entry is too large, its longest values are cut, and each says so at its end.
    func encoded(limit: Int = JournalEntry.byteLimit) -> [UInt8] {
        let cap = valueCap(limit: limit)
        var bytes: [UInt8] = []
        for (name, value) in fields {
            Self.append(name, value.count <= cap ? value : Self.cut(value, to: cap), to: &bytes)
        }
        return bytes
    }

    /// `NAME=value`, or for a value with a line break the name alone, its length as 8 bytes little-endian, and the
    /// bytes.
    private static func append(_ name: String, _ value: [UInt8], to bytes: inout [UInt8]) {
        bytes.append(contentsOf: name.utf8)
        if value.contains(UInt8(ascii: "\n")) {
            bytes.append(UInt8(ascii: "\n"))
            withUnsafeBytes(of: UInt64(value.count).littleEndian) { bytes.append(contentsOf: $0) }
        } else {
            bytes.append(UInt8(ascii: "="))
        }
        bytes.append(contentsOf: value)
        bytes.append(UInt8(ascii: "\n"))
    }

    /// The length above which values are cut so that all fit: short values keep what they need, and the long ones share
    /// the rest.
    private func valueCap(limit: Int) -> Int {
        let frames = fields.reduce(0) { $0 + $1.name.utf8.count + 10 }
        var rest = max(0, limit - frames)
        let sizes = fields.map(\.value.count).sorted()
        for (index, size) in sizes.enumerated() {
            let share = rest / (sizes.count - index)
            if size > share { return share }
            rest -= size
        }
        return .max
    }

    private static func cut(_ value: [UInt8], to cap: Int) -> [UInt8] {
        let note = Array(" … (cut, \(value.count) bytes in all)".utf8)
        let kept = UTF8Cut.length(of: value[...], atMost: max(0, cap - note.count))
        return Array(value[..<kept]) + note.prefix(cap)
    }
}
