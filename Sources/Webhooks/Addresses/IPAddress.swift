/// An IPv4 or IPv6 address, without a zone and without a port.
///
/// Read strictly, so that no two readers take one text for two addresses (RFC 6943 section 3.1.1): IPv4 is four decimal
/// numbers without leading zeros, IPv6 is RFC 4291 section 2.2. The forms that only a url may have (`0x7f.1`) are read
/// by `WHATWGAddress`.
package enum IPAddress: Hashable, Sendable {
    case v4(UInt32)
    case v6(UInt128)

    /// Four or sixteen bytes in network order, as `sockaddr_in` and `sockaddr_in6` hold them; nil for another number.
    package init?(bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4: self = .v4(bytes.reduce(0) { $0 << 8 | UInt32($1) })
        case 16: self = .v6(bytes.reduce(0) { $0 << 8 | UInt128($1) })
        default: return nil
        }
    }

    package init?(_ text: some StringProtocol) {
        // The longest text has eight groups, the last two of them written as IPv4.
        guard text.utf8.count <= 45 else { return nil }
        if let value = Self.dottedDecimal(text.utf8) {
            self = .v4(value)
        } else if let value = Self.colonHexadecimal(text.utf8) {
            self = .v6(value)
        } else {
            return nil
        }
    }

    /// Four or sixteen, in network order.
    package var bytes: [UInt8] {
        switch self {
        case .v4(let value): withUnsafeBytes(of: value.bigEndian) { Array($0) }
        case .v6(let value): withUnsafeBytes(of: value.bigEndian) { Array($0) }
        }
    }

    package var bitCount: Int {
        switch self {
        case .v4: 32
        case .v6: 128
        }
    }
}

extension IPAddress: CustomStringConvertible {
    /// Dotted decimal, or RFC 5952 section 4: small letters, the first of the longest runs of two or more zero groups
    /// as `::`, no group in decimal.
    package var description: String {
        switch self {
        case .v4: bytes.map { String($0) }.joined(separator: ".")
        case .v6(let value): Self.groups(of: value)
        }
    }

    private static func groups(of value: UInt128) -> String {
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: value >> (112 - 16 * $0)) }
        var longest = 0..<0
        var start = 0
        for end in 0...8 where end == 8 || groups[end] != 0 {
            if end - start > max(1, longest.count) { longest = start..<end }
            start = end + 1
        }
        func text(_ range: Range<Int>) -> String {
            groups[range].map { String($0, radix: 16) }.joined(separator: ":")
        }
        guard !longest.isEmpty else { return text(0..<8) }
        return text(0..<longest.lowerBound) + "::" + text(longest.upperBound..<8)
    }
}

extension IPAddress {
    private static func dottedDecimal(_ text: some Collection<UInt8>) -> UInt32? {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.count), part.count == 1 || part.first != UInt8(ascii: "0") else { return nil }
            var number: UInt32 = 0
            for byte in part {
                guard (0x30...0x39).contains(byte) else { return nil }
                number = number * 10 + UInt32(byte - 0x30)
            }
            guard number <= 255 else { return nil }
            value = value << 8 | number
        }
        return value
    }

    /// RFC 4291 section 2.2: eight groups; `::` once for one group of zeros or more; the last two groups as IPv4.
    private static func colonHexadecimal(_ text: some Collection<UInt8>) -> UInt128? {
        let parts = Array(text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false))
        guard (3...9).contains(parts.count) else { return nil }
        var groups: [UInt16] = []
        var gap: Int?
        for (index, part) in parts.enumerated() {
            let isLast = index == parts.count - 1
            if part.isEmpty {
                // The empty part beside a leading or trailing "::" belongs to it; one beside a single ":" does not.
                if index == 0 {
                    guard parts[1].isEmpty else { return nil }
                } else if isLast {
                    guard parts[index - 1].isEmpty else { return nil }
                } else {
                    guard gap == nil else { return nil }
                    gap = groups.count
                }
            } else if isLast, let value = dottedDecimal(part) {
                groups += [UInt16(value >> 16), UInt16(truncatingIfNeeded: value)]
            } else {
                guard let value = group(part) else { return nil }
                groups.append(value)
            }
        }
        if let gap {
            guard groups.count < 8 else { return nil }
            groups.insert(contentsOf: Array(repeating: 0, count: 8 - groups.count), at: gap)
        }
        guard groups.count == 8 else { return nil }
        return groups.reduce(0) { $0 << 16 | UInt128($1) }
    }

    private static func group(_ part: some Collection<UInt8>) -> UInt16? {
        guard part.count <= 4 else { return nil }
        var value: UInt16 = 0
        for byte in part {
            guard let digit = HexDigit.value(byte) else { return nil }
            value = value << 4 | UInt16(digit)
        }
        return value
    }
}
