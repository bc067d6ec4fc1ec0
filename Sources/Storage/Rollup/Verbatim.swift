/// A user's or a model's name as a key: the same as another one only byte for byte, as in SQLite, and as rows are counted.
///
/// Swift takes two spellings of a letter for the same text, such as "é" and "e" with U+0301 behind it; here these are two users.
package struct Verbatim: Hashable, Comparable, Sendable, ExpressibleByStringLiteral {
    package let text: String

    package init(_ text: String) {
        self.text = text
    }

    package init(stringLiteral text: String) {
        self.text = text
    }

    package static func == (left: Verbatim, right: Verbatim) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }

    package static func < (left: Verbatim, right: Verbatim) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        // Two texts side by side are else those with the border somewhere else.
        hasher.combine(0xFF as UInt8)
    }
}
