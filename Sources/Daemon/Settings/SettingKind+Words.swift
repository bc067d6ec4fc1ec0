import Scheduling

extension SettingKind where Value: CaseIterable & RawRepresentable<String> {
    /// One of the type's raw values, in their spelling.
    static var word: Self {
        let words = Value.allCases.map(\.rawValue)
        return SettingKind(accepts: choice(of: words), text: \.rawValue) { text throws(SettingComplaint) in
            guard let value = Value(rawValue: text) else { throw refusal(of: text, words: words) }
            return value
        }
    }
}

extension SettingKind where Value == Bool {
    /// `on` or `off`; the words that other programs take are refused with these two.
    static var switched: Self {
        SettingKind(accepts: "on or off", text: { $0 ? "on" : "off" }) { text throws(SettingComplaint) in
            switch text {
            case "on": return true
            case "off": return false
            default: break
            }
            let word = text.lowercased()
            if word == "on" || ["true", "yes", "1", "enable", "enabled"].contains(word) {
                throw SettingComplaint("is not on or off; write on")
            }
            if word == "off" || ["false", "no", "0", "disable", "disabled"].contains(word) {
                throw SettingComplaint("is not on or off; write off")
            }
            throw refusal(of: text, words: ["on", "off"])
        }
    }
}

extension SettingKind {
    private static func refusal(of text: String, words: [String]) -> SettingComplaint {
        let advice = Spelling.nearest(to: text, among: words).map { "did you mean \($0)?" } ?? "write one of them"
        return SettingComplaint("is not \(choice(of: words)); \(advice)")
    }

    /// "a, b or c".
    private static func choice(of words: [String]) -> String {
        words.dropLast().joined(separator: ", ") + " or " + (words.last ?? "")
    }
}
