extension DeliveryURL {
    /// - Parameters:
    ///   - text: as `webhooks.url` holds it.
    ///   - allowingHTTP: whether plain http passes; a policy, not a matter of form.
    /// - Throws: `Defect`, by name of what is wrong, without a character of the text.
    package init(_ text: String, allowingHTTP: Bool) throws(Defect) {
        try Self.refuseOddBytes(text)
        let (scheme, rest) = try Self.scheme(of: text)
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard !authority.contains("@") else {
            throw Defect(
                "url_has_userinfo", "has a user name or a password in it", remedy: "leave out what stands before the @")
        }
        let (host, port) = try Self.split(authority)
        let tail = rest[authority.endIndex...]
        guard !tail.contains("#") else {
            throw Defect(
                "url_has_fragment", "has a fragment, which is never sent", remedy: "leave out the # and the rest")
        }
        let path = tail.prefix { $0 != "?" }
        try Self.refuseDotSegments(path)
        self.init(
            scheme: scheme, host: try DeliveryHost.parse(host), port: port ?? scheme.defaultPort,
            path: path.isEmpty ? "/" : try Self.encoded(path),
            query: path.endIndex == tail.endIndex ? nil : try Self.encoded(tail[path.endIndex...].dropFirst()))
        guard scheme == .https || allowingHTTP else {
            throw Defect(
                "url_not_https", "is plain http, which anybody on the way can read",
                remedy: "write https, or set TALLYD_WEBHOOK_ALLOW_HTTP=on")
        }
        guard canonical.utf8.count <= Self.longest else { throw Self.tooLong(canonical.utf8.count) }
    }

    private static func tooLong(_ count: Int) -> Defect {
        Defect("url_too_long", "has \(count) bytes", remedy: "\(longest) are the most")
    }

    private static func refuseOddBytes(_ text: String) throws(Defect) {
        guard !text.isEmpty else { throw Defect("url_empty", "is empty", remedy: "write https:// and a host name") }
        guard text.utf8.count <= longest else { throw tooLong(text.utf8.count) }
        for byte in text.utf8 {
            switch byte {
            case 0x20: throw Defect("url_has_space", "has a space in it", remedy: "write %20 for one that is meant")
            case 0...0x1F, 0x7F:
                throw Defect("url_has_control_character", "has a control character in it", remedy: "leave it out")
            case UInt8(ascii: "\\"):
                throw Defect(
                    "url_has_backslash", "has a backslash in it",
                    remedy: "write slashes, or %5C for a backslash that is meant")
            default: continue
            }
        }
    }

    /// RFC 3986 section 3.1. Exactly two slashes follow; WHATWG URL would pass over more, and go on without any.
    private static func scheme(of text: String) throws(Defect) -> (Scheme, Substring) {
        guard let colon = text.firstIndex(of: ":") else {
            throw Defect("url_without_scheme", "has no scheme", remedy: "write https:// in front")
        }
        guard let scheme = Scheme(rawValue: text[..<colon].lowercased()) else {
            throw Defect("url_scheme_refused", "is neither http nor https", remedy: "write https:// and a host name")
        }
        let rest = text[text.index(after: colon)...]
        guard rest.hasPrefix("//") else {
            throw Defect("url_without_slashes", "lacks the two slashes after its scheme", remedy: "write https://")
        }
        return (scheme, rest.dropFirst(2))
    }

    private static func split(_ authority: Substring) throws(Defect) -> (Substring, UInt16?) {
        // A colon inside of brackets belongs to the address.
        let bracket = authority.first == "[" ? authority.firstIndex(of: "]") : nil
        let after = bracket.map { authority[authority.index(after: $0)...] } ?? authority
        guard let colon = after.lastIndex(of: ":") else { return (authority, nil) }
        let digits = after[after.index(after: colon)...].utf8
        guard bracket != nil || after.firstIndex(of: ":") == colon else { return (authority, nil) }
        guard (1...5).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }), digits.first != 0x30,
            let port = UInt16(String(decoding: digits, as: UTF8.self))
        else {
            throw Defect(
                "url_port_refused", "has a port that is no number from 1 to 65535",
                remedy: "write one without leading zeros, or leave out the colon")
        }
        return (authority[..<colon], port)
    }

    /// `.` and `..`, their dots also encoded: WHATWG URL section 4.1, "single-dot" and "double-dot" segments. Some clients
    /// resolve them, some do not, and a signature proxy may tell the two apart.
    private static func refuseDotSegments(_ path: Substring) throws(Defect) {
        for segment in path.split(separator: "/") {
            let plain = segment.lowercased().replacing("%2e", with: ".")
            guard plain != ".", plain != ".." else {
                throw Defect(
                    "url_has_dot_segment", "has a path with . or .. in it", remedy: "write the path that they lead to")
            }
        }
    }

    /// What RFC 3986 sections 3.3 and 3.4 do not allow in a path or a query becomes percent-encoded; encoded bytes stay as
    /// they are.
    private static func encoded(_ text: Substring) throws(Defect) -> String {
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        for (index, byte) in bytes.enumerated() {
            switch byte {
            case UInt8(ascii: "%"):
                guard index + 2 < bytes.count, HexDigit.value(bytes[index + 1]) != nil,
                    HexDigit.value(bytes[index + 2]) != nil
                else {
                    throw Defect(
                        "url_percent_malformed", "has a percent sign without two hexadecimal digits after it",
                        remedy: "write %25 for a percent sign that is meant")
                }
                result.append(byte)
            case 0x80...:
                throw Defect(
                    "url_not_ascii", "has characters outside ASCII in its path or query",
                    remedy: "write them percent-encoded in UTF-8")
            case UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "["), UInt8(ascii: "]"),
                UInt8(ascii: "^"), UInt8(ascii: "`"), UInt8(ascii: "{"), UInt8(ascii: "|"), UInt8(ascii: "}"):
                result += Array("%\(String(byte, radix: 16, uppercase: true))".utf8)
            default: result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
