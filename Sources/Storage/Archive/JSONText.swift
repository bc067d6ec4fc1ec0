import Foundation

/// JSON as an archive's lines have it: appended byte by byte, with no value in between.
enum JSONText {
    /// `{"$blob":"AAE="}`. The way of rare values, hence Foundation's base64 (RFC 4648, section 4, with padding).
    static func append(tag: StaticString, base64: UnsafeRawBufferPointer, to line: inout LineBuffer) {
        line.append("{\"")
        line.append(tag)
        line.append("\":\"")
        Data(base64).base64EncodedData().withUnsafeBytes { line.append(contentsOf: $0.bindMemory(to: UInt8.self)) }
        line.append("\"}")
    }

    /// A string with its quotes, escaped as RFC 8785 says (section 3.2.2.2): `"`, `\` and what lies below 0x20, of which five have a short form.
    ///
    /// - Parameter text: valid UTF-8.
    static func append(_ text: UnsafeBufferPointer<UInt8>, to line: inout LineBuffer) {
        line.append(UInt8(ascii: "\""))
        var start = 0
        while start < text.count {
            var end = start
            while end < text.count, !needsEscape(text[end]) { end += 1 }
            line.append(contentsOf: UnsafeBufferPointer(rebasing: text[start..<end]))
            if end < text.count { append(escapeOf: text[end], to: &line) }
            start = end + 1
        }
        line.append(UInt8(ascii: "\""))
    }

    @inline(__always)
    static func needsEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    /// The byte that a short escape stands for, by the letter behind its backslash.
    static func byte(escapedAs letter: UInt8) -> UInt8? {
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): letter
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "t"): 0x09
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "r"): 0x0D
        default: nil
        }
    }

    private static func append(escapeOf byte: UInt8, to line: inout LineBuffer) {
        switch byte {
        case UInt8(ascii: "\""): line.append("\\\"")
        case UInt8(ascii: "\\"): line.append("\\\\")
        case 0x08: line.append("\\b")
        case 0x09: line.append("\\t")
        case 0x0A: line.append("\\n")
        case 0x0C: line.append("\\f")
        case 0x0D: line.append("\\r")
        default:
            line.append("\\u00")
            line.append(Hex.digit(byte >> 4))
            line.append(Hex.digit(byte & 15))
        }
    }

    /// How far the bytes are ASCII that a string holds as it is: the index of the first other byte, or the count.
    @inline(__always)
    static func plainPrefix(_ text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        guard let base = UnsafeRawPointer(text.baseAddress) else { return start }
        var index = start
        // Eight bytes at a time. The tests of a word for "a byte below n" and "a byte equal to n" are those of Sean Eron Anderson's "Bit Twiddling
        // Hacks"; either may only err in naming a word that the loop below then looks through.
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        while index + 8 <= text.count {
            let word = base.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            let quote = word ^ (ones &* UInt64(UInt8(ascii: "\"")))
            let backslash = word ^ (ones &* UInt64(UInt8(ascii: "\\")))
            let special = (word &- ones &* 0x20) | (quote &- ones) | (backslash &- ones) | word
            if special & highs != 0 { break }
            index += 8
        }
        while index < text.count, text[index] < 0x80, !needsEscape(text[index]) { index += 1 }
        return index
    }

    static func isUTF8(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        do {
            _ = try UTF8Span(validating: text.span)
            return true
        } catch {
            return false
        }
    }
}
