/// What happened, as groups of letters, digits and underscores with one full stop between two groups: `usage.day_sealed`.
/// Standard Webhooks 1.0.0, "Event types".
package struct EventType: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package static let longest = 256

    /// - Throws: `Defect`, unless it is 1 to 256 characters in non-empty groups of `[a-zA-Z0-9_]`.
    package init(_ text: String) throws(Defect) {
        let remedy = "write groups of letters, digits and underscores with full stops between, such as usage.day_sealed"
        guard !text.isEmpty else { throw Defect("type_empty", "is empty", remedy: remedy) }
        guard text.utf8.count <= Self.longest else {
            throw Defect("type_too_long", "has \(text.utf8.count) bytes", remedy: "use \(Self.longest) at most")
        }
        for byte in text.utf8 where byte != UInt8(ascii: ".") && byte != UInt8(ascii: "_") {
            switch byte {
            case 0x0D, 0x0A: throw Defect("type_has_line_break", "has a line break in it", remedy: remedy)
            case 0: throw Defect("type_has_nul", "has a NUL in it", remedy: remedy)
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: continue
            default: throw Defect("type_has_odd_character", "has an odd character in it", remedy: remedy)
            }
        }
        guard
            !text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).contains(where: \.isEmpty)
        else { throw Defect("type_has_empty_group", "has nothing before, after or between full stops", remedy: remedy) }
        description = text
    }
}
