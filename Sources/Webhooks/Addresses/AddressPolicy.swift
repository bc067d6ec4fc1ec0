/// Which addresses deliveries may go to.
///
/// In this order: what is denied stays denied; what is allowed passes; this machine's own addresses, the clouds' metadata
/// services and the special blocks are refused; the rest is public. What is denied or refused is so in every IPv6 form
/// that carries it. A carrier passes where all that it carries passes.
package struct AddressPolicy: Hashable, Sendable {
    package var allowed: AddressList
    package var denied: AddressList
    /// The addresses of this machine's interfaces, as they were when the policy was made; public ones matter, since the
    /// others are refused anyway.
    package var own: Set<IPAddress>

    package init(allowed: AddressList = .empty, denied: AddressList = .empty, own: Set<IPAddress> = []) {
        self.allowed = allowed
        self.denied = denied
        self.own = own
    }

    /// Judges every address that a name was resolved to. One that is refused refuses them all: a client would be free to
    /// take it, and a name with a private and a public address is how a check is got around.
    ///
    /// - Parameters:
    ///   - host: as the url has it.
    ///   - addresses: of a host that is an address itself: just that one.
    package func verdict(on host: DeliveryHost, resolvedTo addresses: [IPAddress]) -> AddressVerdict {
        guard !addresses.isEmpty else { return .refused(AddressRefusal(.noAddress, nil)) }
        var isAllowedName = false
        if case .name(let name) = host {
            if let refusal = refusal(ofName: name) { return .refused(refusal) }
            isAllowedName = allowed.pattern(for: name) != nil
        }
        for address in addresses {
            if let refusal = denial(of: address) { return .refused(refusal) }
            if isAllowedName { continue }
            if let refusal = refusal(of: address) { return .refused(refusal) }
        }
        return .admitted
    }

    /// Judges one address, as that of a connection that stands.
    package func verdict(on address: IPAddress) -> AddressVerdict {
        if let refusal = denial(of: address) ?? refusal(of: address) { return .refused(refusal) }
        return .admitted
    }

    /// Whether a name is denied, which needs no resolving.
    package func refusal(ofName name: String) -> AddressRefusal? {
        denied.pattern(for: name).map { AddressRefusal(.denied, nil, entry: $0.description) }
    }

    private func denial(of address: IPAddress) -> AddressRefusal? {
        if let block = denied.block(around: address) {
            return AddressRefusal(.denied, address, entry: block.description)
        }
        for inner in EmbeddedAddress.inside(address) {
            guard let block = denied.block(around: inner) else { continue }
            return AddressRefusal(.denied, address, inner: inner, entry: block.description)
        }
        return nil
    }

    private func refusal(of address: IPAddress) -> AddressRefusal? {
        if allowed.block(around: address) != nil { return nil }
        if let reason = reason(against: address) { return AddressRefusal(reason, address) }
        for inner in EmbeddedAddress.inside(address) where allowed.block(around: inner) == nil {
            if let reason = reason(against: inner) { return AddressRefusal(reason, address, inner: inner) }
        }
        return nil
    }

    private func reason(against address: IPAddress) -> AddressReason? {
        if own.contains(address) { return .thisMachine }
        if CloudService.contains(address) { return .cloudMetadata }
        return EmbeddedAddress.isOnlyCarrier(address) ? nil : SpecialBlock.around(address)
    }
}
