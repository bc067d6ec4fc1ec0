package import Webhooks

/// Asks for the addresses of a name.
package protocol HostResolving: Sendable {
    /// All of them, in the order in which they should be tried. Called once at a time for one name. A call that never
    /// returns delays those that wait for that name, each up to its own deadline, and no others.
    func addresses(of name: String) async throws(ResolveFailure) -> [IPAddress]
}

package enum ResolveFailure: Error, Hashable, Sendable, CustomStringConvertible {
    case unknownName
    /// The resolver could not say; it may later.
    case temporary
    case failed(String)
    case cancelled

    package var description: String {
        switch self {
        case .unknownName: "it does not exist, or has no address"
        case .temporary: "its name server does not answer"
        case .failed(let reason): reason
        case .cancelled: "nobody waits for it any more"
        }
    }
}
