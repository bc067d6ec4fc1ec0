import Synchronization

/// The one version of HTTP that all connections of a client have.
///
/// A client that sees both ends the process: it keeps the connections of the one beside those of the other, and its books of them fail when it changes once
/// more ("Did not expect to have connections with this state") or is shut down ("Why are pools shutting down"); and one that speaks HTTP/1.1 may be told of the
/// end of an HTTP/2 connection that it has given up before anybody could refuse it (1.37.0). A peer decides that as it likes. So a client that offers HTTP/2
/// takes nothing else, and one that offers HTTP/1.1 alone takes its place where a peer prefers that.
final class OneVersion: Sendable {
    enum Version: Sendable { case http1, http2 }

    struct Other: Error {}

    let version: Version
    private let refused = Atomic(false)

    init(_ version: Version) {
        self.version = version
    }

    /// Whether a connection was refused: others will be, too.
    var hasRefused: Bool { refused.load(ordering: .relaxed) }

    func check(_ agreed: Version) throws(Other) {
        guard agreed != version else { return }
        refused.store(true, ordering: .relaxed)
        throw Other()
    }
}
