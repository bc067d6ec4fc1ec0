import NIOCore
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
        context.fireChannelRead(data)
        // With streams under way the client closes it after the last of them.
        if case .goAway = Self.unwrapInboundIn(data).payload, openStreams == 0 { context.close(promise: nil) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is NIOHTTP2StreamCreatedEvent: openStreams += 1
        case is StreamClosedEvent: openStreams -= 1
        default: break
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.fireErrorCaught(error)
        // An error of one stream ends that stream alone.
        guard !(error is NIOHTTP2Errors.StreamError) else { return }
        context.close(promise: nil)
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
            return context.close(promise: nil)
        }
        context.fireChannelRead(data)
    }
}

/// The bound on interim responses of a stream. The size of each head is bounded by HPACK's own limit of 16 KiB, and bodies
/// by who reads them.
final class HTTP2StreamGuard: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias InboundOut = HTTP2Frame.FramePayload

    /// Interim heads, the final one, and trailers.
    static let mostHeads = 16

    private var heads = 0

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .headers = Self.unwrapInboundIn(data) { heads += 1 }
        guard heads <= Self.mostHeads else {
            context.fireErrorCaught(ConnectionGuard.Flooded())
            return context.close(promise: nil)
        }
        context.fireChannelRead(data)
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
