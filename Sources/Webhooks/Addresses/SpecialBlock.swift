/// A block that no delivery may go to, and where that is written.
///
/// From IANA's special-purpose address registries (RFC 6890, RFC 8190 and what was registered up to RFC 9780), its
/// multicast registries and its registry of the IPv6 address space. Blocks that the registries call globally reachable
/// stand here too where what answers in them is a service of the network that the sender is in (the anycast addresses of
/// 192.0.0.0/24 and 2001::/23, AS112, AMT): none is a receiver of messages.
struct SpecialBlock: Sendable {
    let block: CIDR
    let reason: AddressReason
    let source: StaticString

    private init(_ block: StaticString, _ reason: AddressReason, _ source: StaticString) {
        self.block = CIDR(known: block)
        self.reason = reason
        self.source = source
    }

    /// A block inside another stands before it, so that the first that fits says the most.
    static let all: [SpecialBlock] = v4 + v6

    static let v4: [SpecialBlock] = [
        SpecialBlock("0.0.0.0/8", .thisNetwork, "RFC 791 section 3.2, RFC 1122 section 3.2.1.3"),
        SpecialBlock("10.0.0.0/8", .privateUse, "RFC 1918"),
        SpecialBlock("100.64.0.0/10", .sharedSpace, "RFC 6598"),
        SpecialBlock("127.0.0.0/8", .loopback, "RFC 1122 section 3.2.1.3"),
        SpecialBlock("169.254.0.0/16", .linkLocal, "RFC 3927"),
        SpecialBlock("172.16.0.0/12", .privateUse, "RFC 1918"),
        SpecialBlock("192.0.0.0/24", .protocolAssignment, "RFC 6890 section 2.1"),
        SpecialBlock("192.0.2.0/24", .documentation, "RFC 5737"),
        SpecialBlock("192.31.196.0/24", .protocolAssignment, "RFC 7535, AS112"),
        SpecialBlock("192.52.193.0/24", .protocolAssignment, "RFC 7450, AMT"),
        SpecialBlock("192.88.99.0/24", .relay, "RFC 7526, 6to4 relay anycast"),
        SpecialBlock("192.168.0.0/16", .privateUse, "RFC 1918"),
        SpecialBlock("192.175.48.0/24", .protocolAssignment, "RFC 7534, AS112"),
        SpecialBlock("198.18.0.0/15", .benchmarking, "RFC 2544"),
        SpecialBlock("198.51.100.0/24", .documentation, "RFC 5737"),
        SpecialBlock("203.0.113.0/24", .documentation, "RFC 5737"),
        SpecialBlock("224.0.0.0/4", .multicast, "RFC 5771"),
        SpecialBlock("255.255.255.255/32", .broadcast, "RFC 919 section 7, RFC 8190"),
        SpecialBlock("240.0.0.0/4", .reserved, "RFC 1112 section 4"),
    ]

    static let v6: [SpecialBlock] = [
        SpecialBlock("::/128", .unspecified, "RFC 4291 section 2.5.2"),
        SpecialBlock("::1/128", .loopback, "RFC 4291 section 2.5.3"),
        SpecialBlock("::/96", .compatible, "RFC 4291 section 2.5.5.1, deprecated"),
        SpecialBlock("64:ff9b:1::/48", .localTranslation, "RFC 8215"),
        SpecialBlock("100::/64", .discardOnly, "RFC 6666"),
        SpecialBlock("100:0:0:1::/64", .reserved, "RFC 9780, dummy prefix"),
        SpecialBlock("2001:2::/48", .benchmarking, "RFC 5180, RFC 6890"),
        SpecialBlock("2001:10::/28", .orchid, "RFC 4843, returned"),
        SpecialBlock("2001:20::/28", .orchid, "RFC 7343, ORCHIDv2"),
        SpecialBlock("2001:30::/28", .orchid, "RFC 9374, drones' remote identifiers, which no packet is routed to"),
        SpecialBlock("2001::/23", .protocolAssignment, "RFC 2928"),
        SpecialBlock("2001:db8::/32", .documentation, "RFC 3849"),
        SpecialBlock("2620:4f:8000::/48", .protocolAssignment, "RFC 7534, AS112"),
        SpecialBlock("3ffe::/16", .reserved, "RFC 3701, returned by 6bone"),
        SpecialBlock("3fff::/20", .documentation, "RFC 9637"),
        SpecialBlock("5f00::/16", .segmentRouting, "RFC 9602"),
        SpecialBlock("fc00::/7", .uniqueLocal, "RFC 4193"),
        SpecialBlock("fe80::/10", .linkLocal, "RFC 4291 section 2.5.6"),
        SpecialBlock("fec0::/10", .siteLocal, "RFC 3879"),
        SpecialBlock("ff00::/8", .multicast, "RFC 4291 section 2.7"),
    ]

    /// The only part of the space from which IANA hands out global unicast (RFC 4291 section 2.4; the registry of the
    /// IPv6 address space). Outside of it, what is not in the table is reserved.
    static let globalUnicast = CIDR(known: "2000::/3")

    /// The first block around an address of that very family; embedded ones are `EmbeddedAddress`'s.
    static func around(_ address: IPAddress) -> AddressReason? {
        switch address {
        case .v4: return v4.first { $0.block.contains(address) }?.reason
        case .v6:
            if let special = v6.first(where: { $0.block.contains(address) }) { return special.reason }
            return globalUnicast.contains(address) ? nil : .reserved
        }
    }
}
