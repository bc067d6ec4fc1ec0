import NIOCore
import NIOHPACK
import NIOHTTP2

/// What is asked of an HTTP/2 connection while it stands.
///
/// The client leaves a connection open whose peer broke the rules of HTTP/2, and one whose peer goes on with a body after
/// its stream was reset; the decoder passes over what comes. Either kept a core busy for as long as the peer liked (1.37.0).
/// It also leaves one open that was told to end while nothing was under way, for as long as the peer does.
final class HTTP2Guard: ChannelOutboundHandler, ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame
    typealias InboundOut = HTTP2Frame
    typealias OutboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    private let allowance: HTTP2Allowance
    private var openStreams = 0

    init(_ allowance: HTTP2Allowance) {
        self.allowance = allowance
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .headers = Self.unwrapOutboundIn(data).payload { allowance.grant() }
        context.write(data, promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch Self.unwrapInboundIn(data).payload {
        case .pushPromise: return refusePush(context)
        case .goAway:
            context.fireChannelRead(data)
            // With streams under way the client closes it after the last of them.
            if openStreams == 0 { context.close(promise: nil) }
        default: context.fireChannelRead(data)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case let event as NIOHTTP2StreamCreatedEvent:
            guard event.streamID.isClients else { return refusePush(context) }
            openStreams += 1
        case let event as StreamClosedEvent:
            guard event.streamID.isClients else { return refusePush(context) }
            openStreams -= 1
        default: break
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// Nobody asked for pushed responses, and a peer may send them until it has acknowledged that. The client takes the end of one for that of a request of
    /// its own, and ends the process when it has counted one too many (1.37.0, HTTP2Connections.release).
    private func refusePush(_ context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        context.fireErrorCaught(ExchangeOrder.Broken())
        context.channel.cut()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.fireErrorCaught(error)
        // An error of one stream ends that stream alone.
        guard !(error is NIOHTTP2Errors.StreamError) else { return }
        // What comes after it is not to be read: the decoder stands as it was broken.
        context.channel.cut()
    }

    /// On both sides of the decoder: one sees requests as frames go out, the other all bytes that come in. On the channel's loop.
    static func install(in channel: any Channel) throws {
        let pipeline = channel.pipeline.syncOperations
        let decoder = try pipeline.handler(type: NIOHTTP2Handler.self)
        let allowance = HTTP2Allowance()
        try pipeline.addHandler(HTTP2Guard(allowance), position: .after(decoder))
        try pipeline.addHandler(allowance, position: .before(decoder))
    }
}

/// How many bytes may still come in on an HTTP/2 connection, whatever frames they are.
final class HTTP2Allowance: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// The client's window for a stream is 8 MiB, which a peer may have sent before it hears of a reset.
    static let perRequest = 9 * 1_024 * 1_024
    /// What a peer may save up in good times.
    static let most = 8 * perRequest

    private var left = perRequest

    func grant() {
        left = min(left + Self.perRequest, Self.most)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        left -= Self.unwrapInboundIn(data).readableBytes
        guard left >= 0 else {
            context.fireErrorCaught(ConnectionGuard.Flooded())
            return context.channel.cut()
        }
        context.fireChannelRead(data)
    }
}

/// The bound on interim responses of a stream, and the form of their status, which the decoder takes as it comes and ends the process over (1.46.0 of
/// swift-nio-http2: an empty one, and a negative one). The size of each head is bounded by HPACK's own limit of 16 KiB, and bodies
/// by who reads them.
final class HTTP2StreamGuard: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias InboundOut = HTTP2Frame.FramePayload

    /// Interim heads, the final one, and trailers.
    static let mostHeads = 16

    private var heads = 0

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .headers(let content) = Self.unwrapInboundIn(data) {
            heads += 1
            guard content.headers[":status"].allSatisfy(Self.isStatus) else {
                context.fireErrorCaught(ExchangeOrder.Broken())
                return context.close(promise: nil)
            }
        }
        guard heads <= Self.mostHeads else {
            context.fireErrorCaught(ConnectionGuard.Flooded())
            return context.close(promise: nil)
        }
        context.fireChannelRead(data)
    }

    /// Three digits: RFC 9110 section 15.
    private static func isStatus(_ text: String) -> Bool {
        let bytes = text.utf8
        return bytes.count == 3 && bytes.allSatisfy { (0x30...0x39).contains($0) } && bytes.first != 0x30
    }

    /// At once: the client gives a stream its request when this is done, and ends the process where the connection ends before (1.37.0,
    /// swift-server/async-http-client#922).
    static func install(in channel: any Channel) -> EventLoopFuture<Void> {
        Vetting.atOnce(on: channel) {
            let pipeline = channel.pipeline.syncOperations
            let decoder = try pipeline.handler(type: HTTP2FramePayloadToHTTP1ClientCodec.self)
            try pipeline.addHandler(HTTP2StreamGuard(), position: .first)
            try pipeline.addHandler(ExchangeOrder(), position: .after(decoder))
        }
    }
}

extension HTTP2StreamID {
    /// RFC 9113 section 5.1.1: those of clients are odd.
    fileprivate var isClients: Bool { Int(self) % 2 == 1 }
}
