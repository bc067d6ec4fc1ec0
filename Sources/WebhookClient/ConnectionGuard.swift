import NIOCore
import NIOHTTP1
import Webhooks

/// What is asked of an HTTP/1.1 connection while a response comes.
///
/// The client's own bounds are wide: 2 MiB of headers, and interim responses (1xx), chunk extensions and trailers without
/// end. Here those bytes count that the decoder has made nothing of, since it holds what may become a head or trailers, and those
/// that come with a response and are no body. Of the body who reads it has his own bound.
///
/// What comes before any request, or after a response, belongs to none: it closes the connection.
final class ConnectionGuard: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = HTTPClientRequestPart

    struct Flooded: Error {}

    /// Heads, interim ones, trailers and what has yet to be decoded: several times what each may be.
    static let mostBeside = 128 * 1_024
    /// What the decoder may hold of a head: as much as HTTP/2's does. It takes 256 fields at the most, trailers included (NIO 2.101.2).
    static let mostOfHead = WebhookResponse.longestHead
    /// And what it may hold after that, of trailers and of what stands before a chunk: nobody here reads either, and they come on top of the head.
    static let mostOfTrailers = 2 * 1_024
    /// What it is given at once. Of a piece that it made something of it may hold the rest, which is not counted.
    private static let longestPiece = 2 * 1_024
    /// A byte of a body in a chunk of its own comes as six: so many belong to it, and what is longer is paid for by its own length.
    private static let longestByte = 6

    private var beside = 0
    private var undecoded = 0
    private var hasHead = false
    private var hasRequest = false

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .head = Self.unwrapOutboundIn(data) { (beside, undecoded, hasHead, hasRequest) = (0, 0, false, true) }
        context.write(data, promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = Self.unwrapInboundIn(data)
        beside += bytes.readableBytes
        // In pieces: what comes in one reading with the last of a head may be the body's, and the decoder's buffer stays as large as it has grown.
        while bytes.readableBytes > 0, context.channel.isActive {
            guard hasRequest else { return context.close(promise: nil) }
            let room = (hasHead ? Self.mostOfTrailers : Self.mostOfHead) - undecoded
            guard room > 0, beside <= Self.mostBeside,
                let piece = bytes.readSlice(length: min(room, bytes.readableBytes, Self.longestPiece))
            else {
                context.fireErrorCaught(Flooded())
                return context.close(promise: nil)
            }
            undecoded += piece.readableBytes
            context.fireChannelRead(Self.wrapInboundOut(piece))
        }
    }

    func decoded(_ part: HTTPClientResponsePart) {
        undecoded = 0
        switch part {
        case .head(let head): hasHead = head.isFinal
        case .body(let bytes): beside = max(0, beside - Self.longestByte * bytes.readableBytes)
        case .end: hasRequest = false
        }
    }
}

extension ConnectionGuard {
    /// Stands between the decoder, which is where bytes become heads, and the encoder, which is where heads become bytes. On the channel's loop.
    static func install(in channel: any Channel) throws {
        let pipeline = channel.pipeline.syncOperations
        let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPResponseDecoder>.self)
        let connection = ConnectionGuard()
        try pipeline.addHandler(connection, position: .before(decoder))
        try pipeline.addHandler(ExchangeOrder(connection), position: .after(decoder))
    }
}
