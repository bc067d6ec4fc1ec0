import Foundation
import NIOCore
import NIOHTTP1
import Webhooks

/// What is asked of a connection before the first byte of a request goes, and, over HTTP/1.1, while its response comes.
///
/// The client's own bounds are wide: 2 MiB of headers, and interim responses (1xx), chunk extensions and trailers without
/// end. Here all bytes count that come after a request's head was written: those that the decoder makes nothing of, since it
/// holds what may become a head or trailers, and all together: a body ends at `WebhookResponse.mostRead`, so that what goes on
/// beyond `mostUnread` is something else.
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

    /// A connection is read once, into `ReceiveLimit.longestRead` bytes, before what came goes on to the reader, and is read again only when he has asked for
    /// more; where it is encrypted, that may complete a record (RFC 8446, 5.2). So a body comes to `mostRead` and once that. With room for no more than that
    /// once, a body that came fast could be taken for a flood before anybody had seen its first byte.
    static let mostUnread = WebhookResponse.mostRead + 2 * mostAtOnce
    static let mostAtOnce = 32 * 1_024
    /// What the decoder may hold, and that once: as much as HTTP/2's takes of a head.
    static let mostUndecoded = WebhookResponse.longestHead
    /// Lines of a head. The decoder takes 32 bytes for a header beside its text, so that one of two letters costs ten times
    /// what it is long; a hundred lines is what Apache's httpd takes of a request (LimitRequestFields).
    static let mostLines = 256

    private var received = 0
    private var undecoded = 0
    private var isInHead = true
    private var lines = 0
    private var lineLength = 0

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .head = Self.unwrapOutboundIn(data) {
            (received, undecoded, isInHead, lines, lineLength) = (0, 0, true, 0, 0)
        }
        context.write(data, promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard admits(Self.unwrapInboundIn(data).readableBytesView) else {
            context.fireErrorCaught(Flooded())
            return context.close(promise: nil)
        }
        context.fireChannelRead(data)
    }

    private func admits(_ bytes: ByteBufferView) -> Bool {
        // What came at once with the last of a head may be the body's.
        guard undecoded <= Self.mostUndecoded else { return false }
        undecoded += bytes.count
        received += bytes.count
        if isInHead { countLines(bytes) }
        return received <= Self.mostUnread && lines <= Self.mostLines
    }

    fileprivate func decoded(_ part: HTTPClientResponsePart) {
        undecoded = 0
        guard case .head(let head) = part else { return }
        lines = 0
        if head.status.code >= 200 { isInHead = false }
    }

    /// Up to the empty line that ends a head.
    private func countLines(_ bytes: ByteBufferView) {
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\n"):
                defer { lineLength = 0 }
                guard lineLength > 0 else { return }
                lines += 1
            case UInt8(ascii: "\r"): break
            default: lineLength += 1
            }
        }
    }
}

/// Tells the guard what the decoder has made.
private final class DecoderWatch: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias InboundOut = HTTPClientResponsePart

    private let connection: ConnectionGuard

    init(_ connection: ConnectionGuard) {
        self.connection = connection
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        connection.decoded(Self.unwrapInboundIn(data))
        context.fireChannelRead(data)
    }
}

/// How much a connection takes from its socket at once.
///
/// A channel keeps the buffers that it reads into, by default four of up to 64 KiB, for as long as it stands: an endpoint that sent 20 KiB and then nothing
/// held 51 kB, and could have held four times that (NIO 2.101, `NIOPooledRecvBufferAllocator`). Responses that matter fit into one read or two.
enum ReceiveLimit {
    static let longestRead = 4 * 1_024

    static func set(on channel: any Channel) throws {
        guard let options = channel.syncOptions else { return }
        try options.setOption(.maxMessagesPerRead, value: 1)
        try options.setOption(
            .recvAllocator,
            value: AdaptiveRecvByteBufferAllocator(minimum: 64, initial: 1_024, maximum: longestRead))
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
            try ReceiveLimit.set(on: channel)
            let pipeline = channel.pipeline.syncOperations
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPResponseDecoder>.self)
            let connection = ConnectionGuard()
            try pipeline.addHandler(connection, position: .before(decoder))
            try pipeline.addHandler(DecoderWatch(connection), position: .after(decoder))
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
