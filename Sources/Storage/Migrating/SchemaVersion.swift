/// A version of the schema: `1.0.0`.
struct SchemaVersion: Comparable, CustomStringConvertible {
    let parts: [Int]

    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
        guard !parts.isEmpty, parts.allSatisfy({ $0 != nil }) else { return nil }
        self.parts = parts.compactMap { $0 }
    }

    static func < (left: SchemaVersion, right: SchemaVersion) -> Bool {
        let width = max(left.parts.count, right.parts.count)
        func padded(_ parts: [Int]) -> [Int] { parts + Array(repeating: 0, count: width - parts.count) }
        return padded(left.parts).lexicographicallyPrecedes(padded(right.parts))
    }

    var description: String { parts.map(String.init).joined(separator: ".") }
}
