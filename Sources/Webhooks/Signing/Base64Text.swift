import Foundation

/// Base64 with the standard alphabet (RFC 4648 section 4), read strictly: no line breaks, no foreign characters, and no
/// bits that would be dropped, so that a key has one spelling.
enum Base64Text {
    /// Nil for what is none. The padding may be missing, as some senders print their secrets without it.
    static func decode(_ text: Substring) -> [UInt8]? {
        let bare = text.utf8.last == UInt8(ascii: "=") ? String(text.prefix { $0 != "=" }) : String(text)
        let padded = bare + String(repeating: "=", count: (4 - bare.utf8.count % 4) % 4)
        guard bare.utf8.count == text.utf8.count || padded == text, let data = Data(base64Encoded: padded),
            data.base64EncodedString() == padded
        else { return nil }
        return Array(data)
    }

    static func encode(_ bytes: some Sequence<UInt8>) -> String {
        Data(bytes).base64EncodedString()
    }
}
