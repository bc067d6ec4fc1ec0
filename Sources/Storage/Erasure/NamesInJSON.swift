import Foundation

/// Finds strings in JSON that are somebody's name, and puts another in their place. All other bytes stay as they are, numbers and white space
/// included, which no parser and writer in between would promise. Keys stay too: a person may be called "user".
enum NamesInJSON {
    /// Nil when no string is the name. What is no JSON is looked through all the same, as far as its quotes go.
    static func replacing(_ name: [UInt8], by other: [UInt8], in text: [UInt8]) -> [UInt8]? {
        var result: [UInt8] = []
        var copied = 0
        var position = 0
        while let start = text[position...].firstIndex(of: UInt8(ascii: "\"")) {
            guard let end = end(ofStringAt: start, in: text) else { break }
            if !isKey(endingAt: end, in: text), isEqual(text[(start + 1)..<end], name) {
                result += text[copied...start]
                result += other
                copied = end
            }
            position = end + 1
        }
        return copied == 0 ? nil : result + text[copied...]
    }

    static func replacing(_ name: String, by other: String, in text: String) -> String? {
        replacing(Array(name.utf8), by: Array(other.utf8), in: Array(text.utf8)).map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    /// The closing quote of the string that opens at `start`.
    private static func end(ofStringAt start: Int, in text: [UInt8]) -> Int? {
        var index = start + 1
        while index < text.count {
            switch text[index] {
            case UInt8(ascii: "\""): return index
            case UInt8(ascii: "\\"): index += 2
            default: index += 1
            }
        }
        return nil
    }

    private static func isKey(endingAt end: Int, in text: [UInt8]) -> Bool {
        text[(end + 1)...].first { $0 > 0x20 } == UInt8(ascii: ":")
    }

    /// Whether the inside of a string, with its escapes, means the name.
    private static func isEqual(_ inside: ArraySlice<UInt8>, _ name: [UInt8]) -> Bool {
        guard inside.contains(UInt8(ascii: "\\")) else { return inside.elementsEqual(name) }
        let quoted = Data([UInt8(ascii: "\"")] + inside + [UInt8(ascii: "\"")])
        guard let decoded = try? JSONDecoder().decode(String.self, from: quoted) else { return false }
        return decoded.utf8.elementsEqual(name)
    }
}
