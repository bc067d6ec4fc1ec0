/// The host of a url: a name for the resolver, or an address.
package enum DeliveryHost: Hashable, Sendable, CustomStringConvertible {
    /// In small letters, without a trailing full stop.
    case name(String)
    case address(IPAddress)

    /// As it stands in a url: IPv6 in brackets.
    package var description: String {
        switch self {
        case .name(let name): name
        case .address(.v4(let value)): IPAddress.v4(value).description
        case .address(.v6(let value)): "[\(IPAddress.v6(value))]"
        }
    }

    /// RFC 1035 section 2.3.4, without the root's label and the lengths in between.
    static let longestName = 253
    static let longestLabel = 63

    /// - Parameter text: what stands between `//` and the port, in ASCII.
    static func parse(_ text: Substring) throws(Defect) -> DeliveryHost {
        guard let first = text.utf8.first else {
            throw Defect("url_host_empty", "has no host", remedy: "write https:// and a host name")
        }
        if first == UInt8(ascii: "[") { return .address(try bracketed(text)) }
        try refuseOddCharacters(text)
        guard text.utf8.last != UInt8(ascii: ".") else {
            throw Defect(
                "url_host_trailing_dot", "has a full stop after its host", remedy: "leave out the full stop at the end")
        }
        if WHATWGAddress.endsInNumber(text) {
            if let address = WHATWGAddress.parse(text) { return .address(address) }
            throw Defect(
                "url_host_not_an_address", "has a host that ends in a number and is no IPv4 address",
                remedy: "write a name, or four numbers up to 255")
        }
        return .name(try name(text))
    }

    private static func bracketed(_ text: Substring) throws(Defect) -> IPAddress {
        let inner = text.dropFirst().dropLast()
        guard !inner.contains("%") else {
            throw Defect(
                "url_host_has_zone", "has an IPv6 address with a zone",
                remedy: "leave out the percent sign and the zone")
        }
        guard text.utf8.count > 2, text.last == "]", case .v6(let value) = IPAddress(inner) else {
            throw Defect(
                "url_host_not_an_address", "has brackets around what is no IPv6 address",
                remedy: "write one such as [2001:db8::1]")
        }
        return .v6(value)
    }

    /// WHATWG URL section 3.2 lists the forbidden characters; less than that is allowed here: what names of hosts have in
    /// practice (RFC 1123 section 2.1, and the underscore).
    private static func refuseOddCharacters(_ text: Substring) throws(Defect) {
        guard text.utf8.allSatisfy({ $0 < 0x80 }) else {
            throw Defect(
                "url_host_not_ascii", "has characters outside ASCII in its host",
                remedy: "write its xn-- form, and digits and full stops in ASCII")
        }
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                continue
            case UInt8(ascii: "%"):
                throw Defect(
                    "url_host_percent_encoded", "has a percent sign in its host", remedy: "write the host's name itself"
                )
            case UInt8(ascii: ":"):
                throw Defect(
                    "url_host_has_colons", "has several colons in its host",
                    remedy: "put brackets around an IPv6 address, such as [2001:db8::1]")
            default:
                throw Defect(
                    "url_host_odd_character", "has a character in its host that no name has",
                    remedy: "write letters, digits, hyphens and full stops")
            }
        }
    }

    private static func name(_ text: Substring) throws(Defect) -> String {
        guard text.utf8.count <= longestName else {
            throw Defect(
                "url_host_too_long", "has a host of \(text.utf8.count) characters",
                remedy: "names have \(longestName) at most")
        }
        for label in text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
            guard !label.isEmpty else {
                throw Defect(
                    "url_host_empty_label", "has two full stops in a row in its host, or one before it",
                    remedy: "write one full stop between two labels")
            }
            guard label.count <= longestLabel else {
                throw Defect(
                    "url_host_label_too_long", "has a label of \(label.count) characters in its host",
                    remedy: "labels have \(longestLabel) at most")
            }
            guard label.first != UInt8(ascii: "-"), label.last != UInt8(ascii: "-") else {
                throw Defect(
                    "url_host_label_hyphen", "has a label in its host that begins or ends with a hyphen",
                    remedy: "such names do not exist; check the spelling")
            }
        }
        return text.lowercased()
    }
}
