import Foundation
import NIOCore
import NIOHTTP1
import Webhooks

/// What is asked of a connection before the first byte of a request goes, and, over HTTP/1.1, while its response comes.
///
/// The client's own bounds are wide: 2 MiB of headers, and interim responses (1xx), chunk extensions and trailers without
/// end. Here all bytes count that come after a request's head was written. A body ends at `WebhookResponse.mostRead`, so
/// that what goes on beyond `mostUnread` is something else.
final class ConnectionGuard: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = HTTPClientRequestPart

    struct Flooded: Error {}
    struct Refused: Error {
        let refusal: AddressRefusal
    }
    /// The connection leads elsewhere than it was pinned to, or nowhere any more.
    struct Strayed: Error {}

    /// A connection is read four times 64 KiB at the most before what came goes on to the reader (NIO's maxMessagesPerRead and largest receive buffer), and
    /// is read again only when he has asked for more: so a body comes to `mostRead` and once that. With room for no more than that once, a body that came
    /// fast could be taken for a flood before anybody had seen its first byte.
    static let mostUnread = WebhookResponse.mostRead + 2 * mostAtOnce
    private static let mostAtOnce = 4 * 64 * 1_024

    private var received = 0

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .head = Self.unwrapOutboundIn(data) { received = 0 }
        context.write(data, promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += Self.unwrapInboundIn(data).readableBytes
        guard received <= Self.mostUnread else {
            context.fireErrorCaught(Flooded())
            return context.close(promise: nil)
        }
        context.fireChannelRead(data)
    }
}

extension ConnectionGuard {
    /// Closes the connection and fails unless its live peer is the address that it was pinned to, that one is admitted by the
    /// policy of now, and its certificate names the host.
    static func vet(
        _ channel: any Channel, _ pin: PinnedEndpoint, _ stuck: StuckConnections,
        _ policy: @escaping @Sendable () -> AddressPolicy
    ) -> EventLoopFuture<Void> {
        let result = channel.eventLoop.submit {
            guard channel.remoteAddress.flatMap(IPAddress.init(peer:)) == pin.address else { throw Strayed() }
            if case .refused(let refusal) = policy().verdict(on: pin.host, resolvedTo: [pin.address]) {
                throw Refused(refusal: refusal)
            }
            if pin.scheme == .https, case .name(let name) = pin.host {
                try CertificateName.check(channel, names: name)
            }
            stuck.vetted(channel, to: pin.peer)
        }
        result.whenFailure { _ in channel.close(promise: nil) }
        return result
    }

    /// Stands between the decoder, which is where bytes become heads, and the encoder, which is where heads become bytes.
    static func install(in channel: any Channel) -> EventLoopFuture<Void> {
        channel.eventLoop.submit {
            let pipeline = channel.pipeline.syncOperations
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPResponseDecoder>.self)
            try pipeline.addHandler(ConnectionGuard(), position: .before(decoder))
        }
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
