/// A whole number of hundredths, written with its sign: `10%`. From 1% to 100%.
package struct Percentage: Hashable, Sendable, CustomStringConvertible {
    /// 1 to 100.
    package let percent: Int

    /// The same as a share: 0.01 to 1.
    package var share: Double { Double(percent) / 100 }

    /// 10%.
    package static let tenth = Percentage(checked: 10)
    /// 20%.
    package static let fifth = Percentage(checked: 20)

    /// Nil outside 1 to 100.
    package init?(percent: Int) {
        guard (1...100).contains(percent) else { return nil }
        self.init(checked: percent)
    }

    private init(checked percent: Int) {
        self.percent = percent
    }

    init(_ text: String) throws(SettingComplaint) {
        guard text.hasSuffix("%") else {
            let meant = Int(text).flatMap { Percentage(percent: $0) } ?? Percentage.meant(byShare: text)
            throw SettingComplaint("has no percent sign; write " + (meant?.description ?? "1% to 100%"))
        }
        let digits = text.dropLast()
        guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && $0.isNumber }) else {
            throw SettingComplaint("is no whole number of percent; write 1% to 100%")
        }
        guard let value = Int(digits).flatMap({ Percentage(percent: $0) }) else {
            throw SettingComplaint("is out of range; write 1% to 100%")
        }
        self = value
    }

    /// `0.1` is taken for 10%, as advice only.
    private static func meant(byShare text: String) -> Percentage? {
        guard let share = Double(text), share > 0, share < 1 else { return nil }
        return Percentage(percent: Int((share * 100).rounded()))
    }

    package var description: String { "\(percent)%" }
}
