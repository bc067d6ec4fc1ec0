/// The identifier of an event's message: the same over all retries, and what a receiver knows a repetition by.
///
/// It stands in a header and in front of a full stop in what is signed, so it may hold neither a full stop (or an id and
/// a timestamp could be read in two ways; Standard Webhooks 1.0.0, "Signature scheme") nor what ends a header's line
/// (RFC 9110 section 5.5).
package struct MessageID: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package static let longest = 256

    /// - Throws: `Defect`, unless it is 1 to 256 visible ASCII characters without a full stop.
    package init(_ text: String) throws(Defect) {
        let remedy = "use 1 to \(Self.longest) visible ASCII characters other than the full stop"
        guard !text.isEmpty else { throw Defect("id_empty", "is empty", remedy: remedy) }
        guard text.utf8.count <= Self.longest else {
            throw Defect("id_too_long", "has \(text.utf8.count) bytes", remedy: remedy)
        }
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "."): throw Defect("id_has_full_stop", "has a full stop in it", remedy: remedy)
            case 0x0D, 0x0A: throw Defect("id_has_line_break", "has a line break in it", remedy: remedy)
            case 0: throw Defect("id_has_nul", "has a NUL in it", remedy: remedy)
            case 0x21...0x7E: continue
            default: throw Defect("id_has_odd_character", "has a space or an odd character in it", remedy: remedy)
            }
        }
        description = text
    }
}
