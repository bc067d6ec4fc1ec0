import Foundation
import NIOCore
import NIOSSL
import Webhooks

/// What is asked of a connection before the first byte of a request goes: that its live peer is the address that it was pinned to, that this one is admitted
/// by the policy of now, and that its certificate names the host.
struct Vetting: Sendable {
    struct Refused: Error {
        let refusal: AddressRefusal
    }
    /// The connection leads elsewhere than it was pinned to, or nowhere any more.
    struct Strayed: Error {}

    private let pin: PinnedEndpoint
    private let stuck: StuckConnections
    private let policy: @Sendable () -> AddressPolicy

    init(_ pin: PinnedEndpoint, _ stuck: StuckConnections, _ policy: @escaping @Sendable () -> AddressPolicy) {
        self.pin = pin
        self.stuck = stuck
        self.policy = policy
    }

    /// Refuses what is refused, or has the guards stand before anything is read.
    ///
    /// Fails once the connection is closed, and closes it without a word: the client counts a connection as one that is being made for as long, also where it is
    /// shut down meanwhile, and may be told of the end of one that it does not count no more (1.37.0: "all connections must have been torn down").
    ///
    /// - Returns: what fails with `Refused`, `Strayed`, `CertificateName.Other` or `OneVersion.Other`.
    func vet(
        _ channel: any Channel, _ version: OneVersion, _ agreed: OneVersion.Version,
        install: @escaping @Sendable () throws -> Void
    ) -> EventLoopFuture<Void> {
        let vetted = Self.atOnce(on: channel) {
            try vet(channel)
            try version.check(agreed)
            try ReceiveLimit.set(on: channel)
            try install()
        }
        return vetted.flatMapError { error in
            channel.cut()
            return channel.closeFuture.flatMapThrowing { throw error }
        }
    }

    private func vet(_ channel: any Channel) throws {
        guard channel.remoteAddress.flatMap(IPAddress.init(peer:)) == pin.address else { throw Strayed() }
        if case .refused(let refusal) = policy().verdict(on: pin.host, resolvedTo: [pin.address]) {
            throw Refused(refusal: refusal)
        }
        if pin.scheme == .https, case .name(let name) = pin.host {
            try CertificateName.check(channel, names: name)
        }
        stuck.vetted(channel, to: pin.peer)
    }

    /// On the channel's loop, and if that is this one at once: what a peer sends unasked must not be read before all of a guard stands.
    static func atOnce(
        on channel: any Channel, _ work: @escaping @Sendable () throws -> Void
    ) -> EventLoopFuture<Void> {
        channel.eventLoop.inEventLoop
            ? channel.eventLoop.makeCompletedFuture(withResultOf: work) : channel.eventLoop.submit(work)
    }
}

extension Channel {
    /// Closes at once, without TLS's own goodbye, for whose answer a connection stays open for 5 s, and reads nothing more. On the channel's loop.
    func cut() {
        let tls = try? pipeline.syncOperations.context(handlerType: NIOSSLClientHandler.self)
        if let tls { tls.close(promise: nil) } else { close(promise: nil) }
    }
}

extension IPAddress {
    fileprivate init?(peer: SocketAddress) {
        switch peer {
        case .v4(let address): self.init(bytes: withUnsafeBytes(of: address.address.sin_addr) { Array($0) })
        case .v6(let address): self.init(bytes: withUnsafeBytes(of: address.address.sin6_addr) { Array($0) })
        case .unixDomainSocket: return nil
        }
    }
}
