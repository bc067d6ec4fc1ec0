/// Why an address gets no delivery. The raw value is stored with the delivery that it stopped.
package enum AddressReason: String, CaseIterable, Sendable {
    case thisNetwork = "this_network"
    case privateUse = "private"
    case sharedSpace = "carrier_grade_nat"
    case loopback
    case linkLocal = "link_local"
    case protocolAssignment = "protocol_assignment"
    case documentation
    case benchmarking
    case relay = "6to4_relay"
    case multicast
    case reserved
    case broadcast
    case unspecified
    case compatible = "ipv4_compatible"
    case localTranslation = "nat64_local"
    case discardOnly = "discard_only"
    case orchid
    case segmentRouting = "segment_routing"
    case uniqueLocal = "unique_local"
    case siteLocal = "site_local"
    case cloudMetadata = "cloud_metadata"
    case thisMachine = "this_machine"
    case denied
    case noAddress = "no_address"

    /// Follows "it is" or the address: "is a private address".
    package var sentence: String {
        switch self {
        case .thisNetwork: "is an address of \"this network\""
        case .privateUse: "is a private address"
        case .sharedSpace: "is behind a carrier's address translation"
        case .loopback: "is a loopback address"
        case .linkLocal: "is a link-local address"
        case .protocolAssignment: "belongs to a protocol's own service"
        case .documentation: "is for documentation only"
        case .benchmarking: "is for benchmarks only"
        case .relay: "is a 6to4 relay"
        case .multicast: "is a multicast address"
        case .reserved: "is reserved"
        case .broadcast: "is the broadcast address"
        case .unspecified: "is the unspecified address"
        case .compatible: "is of the deprecated IPv4-compatible form"
        case .localTranslation: "is for a network's own NAT64"
        case .discardOnly: "is for discarding only"
        case .orchid: "is an identifier that no packet is routed to"
        case .segmentRouting: "is a segment identifier"
        case .uniqueLocal: "is a unique local address"
        case .siteLocal: "is a site-local address"
        case .cloudMetadata: "is a cloud's metadata or platform service"
        case .thisMachine: "is this machine's own address"
        case .denied: "is on the list of what is denied"
        case .noAddress: "has no address"
        }
    }
}
