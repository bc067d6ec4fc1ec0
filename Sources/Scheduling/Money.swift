/// An amount of money in whole nano-dollars: the unit in which every cost is stored and summed, so that no sum is ever rounded.
///
/// One sum in the database is an Int64 (±9.2 billion dollars) and refuses to overflow; sums over many rows are formed in `Money`, which is
/// 128 bits wide.
package struct Money: Hashable, Comparable, Sendable, CustomStringConvertible {
    package var nanos: Int128

    package init(nanos: Int128) {
        self.nanos = nanos
    }

    package static func < (left: Money, right: Money) -> Bool { left.nanos < right.nanos }
    package static func + (left: Money, right: Money) -> Money { Money(nanos: left.nanos + right.nanos) }
    package static func += (left: inout Money, right: Money) { left.nanos += right.nanos }

    /// A cost in dollars as SQLite's `CAST(ROUND(dollars * 1e9) AS INTEGER)` turns it into nano-dollars, bit for bit: the views do it in SQL,
    /// the rollup does it here, and both must agree. Nil below zero, above one million dollars, for NaN and for infinities.
    ///
    /// SQLite's round() of a magnitude below 2^52 is the truncation of x + 0.5 (its source, func.c, roundFunc).
    package static func nanos(dollars: Double) -> Int64? {
        guard dollars >= 0, dollars <= 1_000_000 else { return nil }
        return Int64(dollars * 1e9 + 0.5)
    }

    /// All nine decimals: `$12.345678901`.
    package var description: String {
        let magnitude = nanos.magnitude
        let fraction = String(magnitude % 1_000_000_000)
        return (nanos < 0 ? "-$" : "$") + String(magnitude / 1_000_000_000) + "."
            + String(repeating: "0", count: 9 - fraction.count) + fraction
    }

    /// For people: two decimals from one dollar on, six below, as cents hide what a request costs.
    package var short: String {
        let unit: Int128 = nanos.magnitude >= 1_000_000_000 ? 10_000_000 : 1_000
        let decimals = unit == 1_000 ? 6 : 2
        let rounded = (nanos + (nanos < 0 ? -unit / 2 : unit / 2)) / unit
        let scale: Int128 = decimals == 6 ? 1_000_000 : 100
        let fraction = String(rounded.magnitude % scale.magnitude)
        return (rounded < 0 ? "-$" : "$") + String(rounded.magnitude / scale.magnitude) + "."
            + String(repeating: "0", count: decimals - fraction.count) + fraction
    }
}
