package import Webhooks

/// The system's resolver, getaddrinfo(3), on threads of its own.
package final class SystemResolver: HostResolving {
    package init(mostThreads: Int = 128) {}

    package func addresses(of name: String) async throws(ResolveFailure) -> [IPAddress] {
        throw .temporary
    }
}
