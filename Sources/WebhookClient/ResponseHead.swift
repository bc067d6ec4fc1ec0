import NIOHTTP1

/// A response's head as text for people: the status line and a line a header.
enum ResponseHead {
    /// Of one header's value; room for several beside a long one.
    static let longestValue = 2_048
    static let leftOut = "(left out)"

    /// Parts of names whose values may let somebody in.
    private static let secretive = [
        "cookie", "auth", "token", "secret", "password", "signature", "api-key", "apikey", "session", "credential",
    ]

    static func text(version: String, status: HTTPResponseStatus, headers: HTTPHeaders, atMost limit: Int) -> String {
        var text = "\(version) \(status.code)"
        // Over HTTP/2 there is no phrase; the client makes one up.
        if version != "HTTP/2", !status.reasonPhrase.isEmpty { text += " " + cut(status.reasonPhrase) }
        for (name, value) in headers {
            let line = "\n" + cut(name) + ": " + shown(name.lowercased(), value)
            guard text.utf8.count + line.utf8.count <= limit - 4 else { return text + "\n…" }
            text += line
        }
        return text
    }

    private static func shown(_ name: String, _ value: String) -> String {
        if secretive.contains(where: { name.contains($0) }) { return leftOut }
        // Where a redirect leads is worth knowing; the query is where tokens stand.
        if name == "location" || name == "content-location", let mark = value.firstIndex(of: "?") {
            return cut(String(value[..<mark])) + "?" + leftOut
        }
        return cut(value)
    }

    private static func cut(_ value: String) -> String {
        var end = value.utf8.index(value.startIndex, offsetBy: longestValue, limitedBy: value.endIndex)
        // Back to where a character's bytes begin.
        while let place = end, place.samePosition(in: value.unicodeScalars) == nil {
            end = value.utf8.index(before: place)
        }
        let kept = end.map { value[..<$0] } ?? value[...]
        let isControl = { (scalar: Unicode.Scalar) in scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) }
        let plain =
            kept.unicodeScalars.contains(where: isControl)
            ? String(String.UnicodeScalarView(kept.unicodeScalars.map { isControl($0) ? " " : $0 })) : String(kept)
        return kept.endIndex == value.endIndex ? plain : plain + "…"
    }
}
