import Scheduling

/// Numbers as people read them.
enum Figures {
    /// `1,234,567`.
    static func count(_ value: some BinaryInteger) -> String {
        let digits = Array(String(value.magnitude))
        let groups = stride(from: digits.count, to: 0, by: -3).map { String(digits[max(0, $0 - 3)..<$0]) }
        return (value < 0 ? "-" : "") + groups.reversed().joined(separator: ",")
    }

    /// With the noun: `1 row`, `2,000 rows`.
    static func count(_ value: some BinaryInteger, _ noun: String) -> String {
        "\(count(value)) \(noun)\(value == 1 ? "" : "s")"
    }

    /// With its sign also where it is positive: `+3`.
    static func difference(_ value: some BinaryInteger) -> String {
        (value > 0 ? "+" : "") + count(value)
    }

    /// `1.5 MiB`.
    static func bytes(_ value: Int64) -> String {
        var rest = Double(value)
        for unit in ["B", "KiB", "MiB", "GiB"] {
            if abs(rest) < 1_024 { return unit == "B" ? "\(value) B" : "\(fixed(rest, 1)) \(unit)" }
            rest /= 1_024
        }
        return "\(fixed(rest, 1)) TiB"
    }

    /// Part of a whole, in percent with two decimals; nil of nothing.
    static func percentage(_ part: Int64, of whole: Int64) -> Double? {
        whole == 0 ? nil : (Double(part) / Double(whole) * 10_000).rounded() / 100
    }

    /// `0.3%`; `<0.1%` for what would round to none.
    static func percent(_ part: Int64, of whole: Int64) -> String {
        guard whole != 0 else { return "–" }
        let share = Double(part) / Double(whole) * 100
        return part > 0 && share < 0.05 ? "<0.1%" : fixed(share, 1) + "%"
    }

    /// Whole milliseconds; tenths below ten.
    static func milliseconds(_ value: Double) -> String {
        value < 10 && value != value.rounded() ? fixed(value, 1) : count(Int64(value.rounded()))
    }

    /// The time between two instants, in whole seconds below an hour and whole minutes above: `42s`, `3h5m`.
    static func age(_ past: Instant, now: Instant) -> String {
        let seconds = max(0, (now.milliseconds - past.milliseconds) / 1_000)
        return DurationText.format(.seconds(seconds < 3_600 ? seconds : seconds / 60 * 60))
    }

    /// With this many decimals, at most three.
    static func fixed(_ value: Double, _ decimals: Int) -> String {
        let scale = [1, 10, 100, 1_000][min(decimals, 3)]
        let scaled = (abs(value) * Double(scale)).rounded()
        guard scaled < 1e18 else { return "\(value)" }
        let whole = Int64(scaled) / Int64(scale)
        let fraction = String(Int64(scaled) % Int64(scale))
        let sign = value < 0 && scaled > 0 ? "-" : ""
        return decimals == 0
            ? "\(sign)\(whole)"
            : "\(sign)\(whole)." + String(repeating: "0", count: decimals - fraction.count) + fraction
    }
}
