/// A size in bytes, written with a binary unit: `512KiB`, `64MiB`, `2GiB`.
package struct ByteSize: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let bytes: Int64

    package static func < (left: ByteSize, right: ByteSize) -> Bool { left.bytes < right.bytes }

    package static func mebibytes(_ count: Int64) -> ByteSize { ByteSize(bytes: count << 20) }
    package static func gibibytes(_ count: Int64) -> ByteSize { ByteSize(bytes: count << 30) }

    private static let units: [(name: String, shift: Int64)] = [("GiB", 30), ("MiB", 20), ("KiB", 10)]

    package init(bytes: Int64) {
        self.bytes = bytes
    }

    /// - Throws: a complaint for a text without a number and a unit, one in powers of ten, a zero, and one that 64 bits
    ///   do not hold.
    init(_ text: String) throws(SettingComplaint) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let word = String(text.dropFirst(digits.count))
        guard !digits.isEmpty else {
            throw SettingComplaint("is no size; write a number and KiB, MiB or GiB, such as 64MiB")
        }
        guard !word.isEmpty else {
            throw SettingComplaint("has no unit; write \(digits)KiB, \(digits)MiB or \(digits)GiB")
        }
        guard let unit = ByteSize.units.first(where: { $0.name == word }) else {
            let initial = word.drop(while: \.isWhitespace).prefix(1).uppercased()
            let meant = ByteSize.units.first { $0.name.hasPrefix(initial) && !initial.isEmpty }?.name
            throw SettingComplaint(
                "has an unknown unit \"\(word.prefix(20))\"; write "
                    + (meant.map { "\(digits)\($0)" } ?? "KiB, MiB or GiB after the number, such as 64MiB")
            )
        }
        guard let number = Int64(digits), number <= Int64.max >> unit.shift else {
            throw SettingComplaint("is larger than can be counted; write a smaller size, such as 64MiB")
        }
        guard number > 0 else { throw SettingComplaint("is zero; write a size such as 64MiB") }
        self.init(bytes: number << unit.shift)
    }

    /// In the largest unit that leaves no remainder; plain bytes where none does.
    package var description: String {
        for (name, shift) in ByteSize.units where bytes != 0 && bytes % (1 << shift) == 0 {
            return "\(bytes >> shift)\(name)"
        }
        return "\(bytes)B"
    }
}
