import Scheduling

/// How the text of a setting becomes a value, and back.
struct SettingKind<Value: Sendable>: Sendable {
    /// In words, for people: "a duration from 1s to 1h".
    let accepts: String
    let isSecret: Bool
    let parse: @Sendable (String) throws(SettingComplaint) -> Value
    /// The canonical text of a value; "(set)" for a secret.
    let text: @Sendable (Value) -> String

    init(
        accepts: String,
        isSecret: Bool = false,
        text: @escaping @Sendable (Value) -> String,
        parse: @escaping @Sendable (String) throws(SettingComplaint) -> Value
    ) {
        self.accepts = accepts
        self.isSecret = isSecret
        self.text = text
        self.parse = parse
    }
}

extension SettingKind where Value == Duration {
    static func duration(_ range: ClosedRange<Duration>) -> Self {
        let limits = "\(DurationText.format(range.lowerBound)) to \(DurationText.format(range.upperBound))"
        return SettingKind(
            accepts: "a duration from \(limits)",
            text: DurationText.format
        ) { text throws(SettingComplaint) in
            let duration: Duration
            do throws(DurationText.Problem) {
                duration = try DurationText.parse(text)
            } catch {
                throw SettingComplaint(error.sentence(allowing: range))
            }
            guard range.contains(duration) else { throw SettingComplaint("is out of range; write \(limits)") }
            return duration
        }
    }
}

extension SettingKind where Value == ByteSize {
    static func size(_ range: ClosedRange<ByteSize>) -> Self {
        let limits = "\(range.lowerBound) to \(range.upperBound)"
        return SettingKind(accepts: "a size from \(limits)", text: \.description) { text throws(SettingComplaint) in
            let size = try ByteSize(text)
            guard range.contains(size) else { throw SettingComplaint("is out of range; write \(limits)") }
            return size
        }
    }
}

extension SettingKind where Value == Percentage {
    static var percentage: Self {
        SettingKind(accepts: "a percentage from 1% to 100%", text: \.description) { text throws(SettingComplaint) in
            try Percentage(text)
        }
    }
}

extension SettingKind where Value == Secret {
    static var secret: Self {
        SettingKind(accepts: "a secret", isSecret: true, text: \.description) { text throws(SettingComplaint) in
            Secret(text)
        }
    }
}
