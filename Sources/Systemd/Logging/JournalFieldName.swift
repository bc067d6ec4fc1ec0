/// Names of the journal's fields, by systemd.journal-fields(7)'s rules: A–Z, 0–9 and `_`, at most 64, a letter first.
enum JournalFieldName {
    /// - Parameters:
    ///   - key: a metadata key in any usual spelling: `lockMs`, `lock-ms` and `lock_ms` all give `LOCK_MS`.
    ///   - prefix: starts the name and says whose field it is, such as `TALLYD_`; it starts with a letter.
    static func make(key: String, prefix: String) -> String {
        String((prefix + upperSnake(key)).prefix(64))
    }

    /// An underscore goes before a capital that follows a small letter or a digit, and before the last of several
    /// capitals when a small letter follows it (`HTTPStatus` is HTTP_STATUS). Whatever no name may hold becomes one
    /// underscore.
    static func upperSnake(_ key: String) -> String {
        let bytes = Array(key.utf8)
        var name: [UInt8] = []
        for (index, byte) in bytes.enumerated() {
            let following = index + 1 < bytes.count ? bytes[index + 1] : 0
            let before = index > 0 ? bytes[index - 1] : 0
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): name.append(byte - 32)
            case UInt8(ascii: "0")...UInt8(ascii: "9"): name.append(byte)
            case UInt8(ascii: "A")...UInt8(ascii: "Z"):
                if isSmall(before) || isDigit(before) || (isCapital(before) && isSmall(following)) { gap(&name) }
                name.append(byte)
            default: gap(&name)
            }
        }
        if name.last == underscore { name.removeLast() }
        return name.isEmpty ? "FIELD" : String(decoding: name, as: UTF8.self)
    }

    private static let underscore = UInt8(ascii: "_")

    private static func gap(_ name: inout [UInt8]) {
        if let last = name.last, last != underscore { name.append(underscore) }
    }

    private static func isSmall(_ byte: UInt8) -> Bool { byte >= 97 && byte <= 122 }
    private static func isCapital(_ byte: UInt8) -> Bool { byte >= 65 && byte <= 90 }
    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 48 && byte <= 57 }
}
