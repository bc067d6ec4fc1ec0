import Foundation
import NIOCore
import Synchronization
import Webhooks

/// Ends connections that came about and never became of use.
///
/// The client waits without a limit for the first frame of an HTTP/2 server (1.37.0): a peer that completes TLS and then
/// stays silent holds a socket, all later messages to its address, and the client's shutdown, for as long as it likes. No
/// hook reaches such a connection. So its socket is found among this process's own, by its peer, and shut down (shutdown(2)),
/// which the client takes for the peer's close.
///
/// Only sockets to suspects count, that were not vetted, which every connection is before its first request; and only those
/// that were there one `grace` ago, when a handshake would have reached its own limit. Others that connect to the same peer
/// are left alone.
final class StuckConnections: Sendable {
    struct Peer: Hashable, Sendable {
        let address: IPAddress
        let port: UInt16
    }

    struct Connection: Hashable, Sendable {
        let localPort: UInt16
        let peer: Peer
    }

    private struct State {
        var vetted: Set<Connection> = []
        var suspects: Set<Peer> = []
        var isWatching = false
    }

    private let state = Mutex(State())
    private let grace: Duration

    /// - Parameter grace: not below the limit of a handshake.
    init(grace: Duration) {
        self.grace = grace
    }

    /// Until it closes. Called on its loop.
    func vetted(_ channel: any Channel, to peer: Peer) {
        guard let port = channel.localAddress?.port.flatMap(UInt16.init(exactly:)) else { return }
        let connection = Connection(localPort: port, peer: peer)
        state.withLock { _ = $0.vetted.insert(connection) }
        channel.closeFuture.whenComplete { [self] _ in state.withLock { _ = $0.vetted.remove(connection) } }
    }

    /// A message to that peer got no connection by its deadline.
    func suspect(_ peer: Peer) {
        let begins = state.withLock { state in
            state.suspects.insert(peer)
            defer { state.isWatching = true }
            return !state.isWatching
        }
        if begins { Task.detached { [self] in await watch() } }
    }

    /// Ends all to these peers that were not vetted, at once.
    func end(_ peers: Set<Peer>) {
        for (socket, _) in unvetted(peers) { shut(socket) }
    }

    private func watch() async {
        var seen: Set<UInt64> = []
        while true {
            let suspects = state.withLock { $0.suspects }
            let present = unvetted(suspects)
            for (socket, inode) in present where seen.contains(inode) { shut(socket) }
            for (socket, inode) in present where !seen.contains(inode) {
                close(socket)
            }
            seen = Set(present.map(\.inode)).subtracting(seen)
            let isDone = state.withLock { state in
                guard seen.isEmpty, state.suspects == suspects else { return false }
                state.suspects = []
                state.isWatching = false
                return true
            }
            if isDone { return }
            try? await Task.sleep(for: grace)
        }
    }

    private func shut(_ socket: Int32) {
        shutdown(socket, Int32(SHUT_RDWR))
        close(socket)
    }

    /// Descriptors of our own to them, so that a number which is given to another file meanwhile harms nobody; to be closed.
    /// The inode tells sockets apart for as long as they live.
    private func unvetted(_ peers: Set<Peer>) -> [(socket: Int32, inode: UInt64)] {
        guard !peers.isEmpty, let names = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") else {
            return []
        }
        let vetted = state.withLock { $0.vetted }
        return names.compactMap { name in
            // Most are of others, and need no duplicate to tell.
            guard let number = Int32(name), let glance = Self.connection(number), peers.contains(glance.peer) else {
                return nil
            }
            let socket = fcntl(number, F_DUPFD_CLOEXEC, 0)
            guard socket >= 0 else { return nil }
            var status = stat()
            if fstat(socket, &status) == 0, let connection = Self.connection(socket), peers.contains(connection.peer),
                !vetted.contains(connection)
            {
                return (socket, UInt64(status.st_ino))
            }
            close(socket)
            return nil
        }
    }

    /// Nil for what is no connected socket.
    private static func connection(_ descriptor: Int32) -> Connection? {
        guard let peer = end(descriptor, getpeername), let local = end(descriptor, getsockname) else { return nil }
        return Connection(localPort: local.port, peer: peer)
    }

    private typealias Naming = (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32

    private static func end(_ descriptor: Int32, _ name: Naming) -> Peer? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutableBytes(of: &storage) { bytes in
            guard let base = bytes.baseAddress,
                name(descriptor, base.assumingMemoryBound(to: sockaddr.self), &length) == 0
            else { return nil }
            let family = Int32(bytes.loadUnaligned(as: sockaddr.self).sa_family)
            // Both forms have the port after the family, in network order.
            let port = UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
            return IPAddress(family: family, UnsafeRawBufferPointer(bytes)).map { Peer(address: $0, port: port) }
        }
    }
}

extension IPAddress {
    /// Of a sockaddr_in or sockaddr_in6.
    init?(family: Int32, _ bytes: UnsafeRawBufferPointer) {
        switch family {
        case AF_INET: self.init(bytes: bytes[4..<8])
        case AF_INET6: self.init(bytes: bytes[8..<24])
        default: return nil
        }
    }
}
