/// A name on a list of what is allowed or denied: itself, or with `*.` in front all names below it, at any depth, and not
/// itself.
package struct HostPattern: Hashable, Sendable, CustomStringConvertible {
    package let description: String
    private let suffix: String?

    /// - Throws: `Defect`, for what is no host name of a `DeliveryURL`.
    package init(_ text: String) throws(Defect) {
        let isSuffix = text.hasPrefix("*.")
        let name = isSuffix ? String(text.dropFirst(2)) : text
        guard case .name(let host) = try DeliveryHost.parse(name[...]) else {
            throw Defect("pattern_is_address", "is an address", remedy: "write it as a block, such as 10.0.0.0/8")
        }
        description = (isSuffix ? "*." : "") + host
        suffix = isSuffix ? "." + host : nil
    }

    /// - Parameter host: in small letters, as `DeliveryURL` has it.
    package func matches(_ host: String) -> Bool {
        guard let suffix else { return host == description }
        return host.utf8.count > suffix.utf8.count && host.hasSuffix(suffix)
    }
}
