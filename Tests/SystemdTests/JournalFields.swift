/// An independent reading of the native protocol.
struct JournalFields {
    private(set) var all: [(name: String, value: String)] = []

    /// nil for a datagram that breaks the protocol.
    init?(_ datagram: [UInt8]) {
        var rest = datagram[...]
        while !rest.isEmpty {
            guard let stop = rest.firstIndex(where: { $0 == 0x3D || $0 == 0x0A }) else { return nil }
            let name = String(decoding: rest[..<stop], as: UTF8.self)
            let isBinary = rest[stop] == 0x0A
            rest = rest[(stop + 1)...]
            let length: Int
            if isBinary {
                guard rest.count >= 8 else { return nil }
                length = rest.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
                rest = rest.dropFirst(8)
            } else {
                guard let end = rest.firstIndex(of: 0x0A) else { return nil }
                length = end - rest.startIndex
            }
            guard rest.count > length, rest[rest.startIndex + length] == 0x0A else { return nil }
            all.append((name, String(decoding: rest.prefix(length), as: UTF8.self)))
            rest = rest.dropFirst(length + 1)
        }
    }

    subscript(name: String) -> String? { all.first { $0.name == name }?.value }

    func values(_ name: String) -> [String] { all.filter { $0.name == name }.map(\.value) }
}
