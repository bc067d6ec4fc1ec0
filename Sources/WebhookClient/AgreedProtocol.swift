import Synchronization

/// The protocol that the first connection of a client agreed on with its peer: all others have that one.
///
/// A client that sees both keeps the connections of the one beside those of the other, and its books of them end the process: when it changes once more ("Did
/// not expect to have connections with this state"), or when it is shut down ("Why are pools shutting down", 1.37.0). A peer decides that as it likes. So a
/// connection with another protocol is refused, and the client's place taken by a new one.
///
/// All connections of a client are of one event loop, so that none becomes the client's between the question here and what follows from its answer.
final class AgreedProtocol: Sendable {
    enum Version: Sendable { case http1, http2 }

    struct Changed: Error {}

    private struct State {
        var version: Version?
        var hasChanged = false
    }

    private let state = Mutex(State())

    /// Whether a connection was refused: others will be, too.
    var hasChanged: Bool { state.withLock { $0.hasChanged } }

    func check(_ version: Version) throws(Changed) {
        let isSame = state.withLock { state in
            if state.version == nil { state.version = version }
            if state.version != version { state.hasChanged = true }
            return state.version == version
        }
        guard isSame else { throw Changed() }
    }
}
