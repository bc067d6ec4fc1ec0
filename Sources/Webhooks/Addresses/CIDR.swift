/// A block of addresses: those that share their first bits with its network address. RFC 4632 section 3.1, RFC 4291
/// section 2.3.
package struct CIDR: Hashable, Sendable, CustomStringConvertible {
    package let network: IPAddress
    package let prefix: Int

    /// An address alone is the block of itself.
    ///
    /// - Throws: `Defect`, for what is no block, a prefix that is too long, and a network address with bits set after
    ///   its prefix, which may have been meant for the address alone or for its block.
    package init(_ text: String) throws(Defect) {
        let halves = text.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count <= 2, let address = IPAddress(halves[0]) else {
            throw Defect(
                "block_malformed", "is no block of addresses", remedy: "write one such as 10.0.0.0/8 or fd00::/8")
        }
        var length = address.bitCount
        if halves.count == 2 {
            let digits = halves[1].utf8
            guard (1...3).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }),
                digits.count == 1 || digits.first != 0x30, let number = Int(halves[1]), number <= address.bitCount
            else {
                throw Defect(
                    "block_prefix_malformed", "has no prefix length from 0 to \(address.bitCount) after the slash",
                    remedy: "write one such as 10.0.0.0/8 or fd00::/8")
            }
            length = number
        }
        self.init(of: address, prefix: length)
        guard network == address else {
            throw Defect("block_has_host_bits", "has bits set after its prefix", remedy: "write \(self) or \(address)")
        }
    }

    /// The block of that prefix length in which the address lies.
    package init(of address: IPAddress, prefix: Int) {
        self.prefix = min(max(prefix, 0), address.bitCount)
        network = address.masked(to: self.prefix)
    }

    /// A block that stands in the source. Traps where it is none, which the first test to touch its table would show.
    init(known text: StaticString) {
        do throws(Defect) {
            try self.init(String(describing: text))
        } catch {
            preconditionFailure("\(text) \(error)")
        }
    }

    /// False for an address of the other family, whatever may be embedded in it.
    package func contains(_ address: IPAddress) -> Bool {
        address.bitCount == network.bitCount && address.masked(to: prefix) == network
    }

    package var last: IPAddress {
        switch network {
        case .v4(let value): .v4(prefix == 0 ? .max : value | ~(UInt32.max << UInt32(32 - prefix)))
        case .v6(let value): .v6(prefix == 0 ? .max : value | ~(UInt128.max << UInt128(128 - prefix)))
        }
    }

    package var description: String { "\(network)/\(prefix)" }
}

extension IPAddress {
    fileprivate func masked(to prefix: Int) -> IPAddress {
        // Swift shifts by the whole width to zero, which is what a prefix of 0 asks for.
        switch self {
        case .v4(let value): .v4(value & (UInt32.max << UInt32(32 - prefix)))
        case .v6(let value): .v6(value & (UInt128.max << UInt128(128 - prefix)))
        }
    }
}
