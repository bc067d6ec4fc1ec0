import Scheduling

/// A metric's value as people read it, by its unit (UCUM).
enum MetricFigures {
    /// `1.5 MiB`, `820 ms`, `12.5%`, `3 cpu`, `$0.012000/min`. A unit that isn't known stands behind the number as it is.
    static func text(_ value: Double, unit: String?) -> String {
        guard value.isFinite else { return "\(value)" }
        switch unit {
        case "By": return abs(value) < 9e18 ? Figures.bytes(Int64(value)) : "\(value) B"
        case "s": return seconds(value)
        case "1": return percent(value)
        case "{USD}": return dollars(value)
        case "{USD}/min": return dollars(value) + "/min"
        case let unit? where !unit.isEmpty: return "\(number(value)) \(unit.filter { $0 != "{" && $0 != "}" })"
        default: return number(value)
        }
    }

    /// Grouped where it's whole; else with the decimals that it needs for three digits.
    static func number(_ value: Double) -> String {
        if value == value.rounded(), abs(value) < 1e15 { return Figures.count(Int64(value)) }
        switch abs(value) {
        case 1e15...: return "\(value)"
        case 100...: return Figures.count(Int64(value.rounded()))
        case 10...: return Figures.fixed(value, 1)
        case 1...: return Figures.fixed(value, 2)
        case 0.001...: return Figures.fixed(value, 3)
        default: return "\(value)"
        }
    }

    private static func seconds(_ value: Double) -> String {
        switch abs(value) {
        case 0: "0 s"
        case ..<0.001: "\(Figures.fixed(value * 1e6, 0)) µs"
        case ..<1: "\(Figures.milliseconds(value * 1_000)) ms"
        case ..<120: "\(number((value * 100).rounded() / 100)) s"
        case ..<1e12: age(Int64(value))
        default: "\(value) s"
        }
    }

    /// Whole minutes below a day, whole hours above: `3h5m`, `12d4h`.
    private static func age(_ seconds: Int64) -> String {
        let step: Int64 = abs(seconds) < 86_400 ? 60 : 3_600
        let rounded = seconds / step * step
        let (days, rest) = rounded.magnitude.quotientAndRemainder(dividingBy: 86_400)
        guard days > 0 else { return DurationText.format(.seconds(rounded)) }
        return (rounded < 0 ? "-" : "") + "\(days)d" + (rest == 0 ? "" : "\(rest / 3_600)h")
    }

    private static func percent(_ share: Double) -> String {
        guard abs(share) < 1e6 else { return "\(share)" }
        return share > 0 && share < 0.0005 ? "<0.1%" : Figures.fixed(share * 100, 1) + "%"
    }

    private static func dollars(_ value: Double) -> String {
        guard abs(value) < 1e15 else { return "$\(value)" }
        return value == 0 ? "$0" : Money(nanos: Int128((value * 1e9).rounded())).short
    }
}
