import NIOCore
import NIOHTTP2

/// The bound on interim responses of an HTTP/2 stream. The size of each head is bounded by HPACK's own limit of 16 KiB, and
/// bodies by who reads them.
final class StreamGuard: ChannelInboundHandler {
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

    static func install(in channel: any Channel) -> EventLoopFuture<Void> {
        channel.eventLoop.submit {
            try channel.pipeline.syncOperations.addHandler(StreamGuard(), position: .first)
        }
    }
}
