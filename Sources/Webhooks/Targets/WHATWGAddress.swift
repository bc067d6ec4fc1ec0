/// The IPv4 address that a url's host means in the forms that clients and resolvers of C's inet_aton read: one to four
/// numbers, each decimal, octal (`017`) or hexadecimal (`0x1f`), of which the last fills what is left.
///
/// WHATWG URL Standard, section 3.5: "ends in a number checker", "IPv4 parser", "IPv4 number parser". There a host that
/// ends in a number is an address or an error, and never a name.
enum WHATWGAddress {
    /// - Parameter host: without a trailing full stop, which `DeliveryHost` refuses before.
    static func endsInNumber(_ host: Substring) -> Bool {
        guard let last = host.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).last else {
            return false
        }
        return !last.isEmpty && (last.allSatisfy { (0x30...0x39).contains($0) } || number(last) != nil)
    }

    /// Nil for what is no address in any of the forms.
    static func parse(_ host: Substring) -> IPAddress? {
        let parts = host.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard (1...4).contains(parts.count) else { return nil }
        var numbers: [UInt64] = []
        for part in parts {
            guard let value = number(part) else { return nil }
            numbers.append(value)
        }
        let last = numbers.removeLast()
        guard numbers.allSatisfy({ $0 <= 255 }), last < 1 << UInt64(8 * (4 - numbers.count)) else { return nil }
        let head = numbers.enumerated().reduce(UInt64(0)) { $0 | $1.element << UInt64(8 * (3 - $1.offset)) }
        return .v4(UInt32(head | last))
    }

    /// Any number above 32 bits for what is larger: it is a number still, and no address. `0x` alone is zero, as the standard
    /// has it.
    private static func number(_ part: Substring.UTF8View) -> UInt64? {
        var digits = part
        var radix: UInt64 = 10
        if part.count >= 2, part.first == 0x30, part[part.index(after: part.startIndex)] | 0x20 == UInt8(ascii: "x") {
            digits = part.dropFirst(2)
            radix = 16
        } else if part.count >= 2, part.first == 0x30 {
            digits = part.dropFirst()
            radix = 8
        } else if part.isEmpty {
            return nil
        }
        var value: UInt64 = 0
        for byte in digits {
            guard let digit = HexDigit.value(byte), UInt64(digit) < radix else { return nil }
            value = min(value * radix + UInt64(digit), 1 << 32)
        }
        return value
    }
}
