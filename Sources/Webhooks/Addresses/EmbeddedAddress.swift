/// IPv4 addresses that an IPv6 address carries, and that a translator or a tunnel on the way would send the packet to.
enum EmbeddedAddress {
    private static let mapped = CIDR(known: "::ffff:0:0/96")
    private static let compatible = CIDR(known: "::/96")
    private static let translatedSIIT = CIDR(known: "::ffff:0:0:0/96")
    private static let nat64 = CIDR(known: "64:ff9b::/96")
    private static let localNAT64 = CIDR(known: "64:ff9b:1::/48")
    private static let teredo = CIDR(known: "2001::/32")
    private static let sixToFour = CIDR(known: "2002::/16")

    /// Whether an address is nothing but a carrier, so that what it carries decides: mapped (RFC 4291 section 2.5.5.2),
    /// NAT64 under the well-known prefix (RFC 6052 section 2.1), Teredo (RFC 4380) and 6to4 (RFC 3056).
    static func isOnlyCarrier(_ address: IPAddress) -> Bool {
        [mapped, nat64, teredo, sixToFour].contains { $0.contains(address) }
    }

    /// Every IPv4 address inside of it; empty for IPv4, and for IPv6 that carries none.
    static func inside(_ address: IPAddress) -> [IPAddress] {
        guard case .v6(let value) = address else { return [] }
        func word(_ shift: UInt128) -> UInt32 { UInt32(truncatingIfNeeded: value >> shift) }
        var inner: [UInt32] = []
        if mapped.contains(address) || nat64.contains(address) || compatible.contains(address)
            || translatedSIIT.contains(address) || localNAT64.contains(address)
        {
            inner.append(word(0))
        }
        // RFC 4380 section 4: the server after the prefix; the client, all bits inverted, at the end.
        if teredo.contains(address) { inner += [word(64), ~word(0)] }
        // RFC 3056 section 2: right after the prefix.
        if sixToFour.contains(address) { inner.append(word(80)) }
        // RFC 5214 section 6.1: an interface identifier of 0000:5efe or 0200:5efe and the address, under any /64.
        if word(32) & ~0x0200_0000 == 0x0000_5EFE { inner.append(word(0)) }
        return inner.map { .v4($0) }
    }
}
