import NIOCore
import NIOHTTP1

/// The order of a request and its response, between the client and what makes parts of bytes or frames: a head, a body and an end, and the response's end
/// after the request's.
///
/// The client takes it for granted, and ends the process where it is broken. Given a response that is whole before the request is, it tells its pool that
/// the connection is free once the request has gone, whether or not it still stands ("A connection that we don't know was released"); over HTTP/2 it
/// unwraps a request that it has forgotten (1.37.0, swift-server/async-http-client#922). A receiver that greeted with a response and hung up did the one, a
/// second head that ended a stream the other.
final class ExchangeOrder: ChannelDuplexHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias InboundOut = HTTPClientResponsePart
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = HTTPClientRequestPart

    /// All of the response has come, and not all of the request has gone. The response counts (RFC 9113 section 8.1).
    struct EndedEarly: Error {}
    struct Broken: Error {}

    private enum Request {
        case none
        case head
        /// Some of its body is written, or its end.
        case begun
        case sent
    }

    /// Told what the decoder has made; nil over HTTP/2.
    private let connection: ConnectionGuard?
    private var request = Request.none
    private var hasHead = false
    private var isOver = false

    init(_ connection: ConnectionGuard? = nil) {
        self.connection = connection
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch Self.unwrapOutboundIn(data) {
        case .head: (request, hasHead) = (.head, false)
        case .body: request = .begun
        case .end:
            // Once it has gone to the socket. Until then a peer that gives a stream no window may answer it as often as it likes, and what was not sent
            // would stay; and what comes while a write fails comes in the middle of the client's own step.
            let sent = context.eventLoop.makePromise(of: Void.self)
            request = .begun
            sent.futureResult.assumeIsolated().whenSuccess { self.request = .sent }
            sent.futureResult.cascade(to: promise)
            return context.write(data, promise: sent)
        }
        context.write(data, promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
        let part = Self.unwrapInboundIn(data)
        connection?.decoded(part)
        let hadHead = hasHead
        if case .head(let head) = part { hasHead = head.isFinal }
        guard isExpected(part, hadHead: hadHead) else { return end(context, Broken()) }
        if case .end = part {
            guard request == .sent else {
                // Has the client hand over what it holds of a body.
                context.fireChannelReadComplete()
                return end(context, EndedEarly())
            }
            request = .none
        }
        context.fireChannelRead(data)
    }

    private func isExpected(_ part: HTTPClientResponsePart, hadHead: Bool) -> Bool {
        switch part {
        // The client asks for the body as soon as the head is written, unless the connection has no room for it; and a request that was not asked for one
        // takes no response ("Response can not be received before request").
        case .head(let head): request != .none && !hadHead && !(head.isFinal && request == .head)
        case .body, .end: request != .none && hadHead
        }
    }

    private func end(_ context: ChannelHandlerContext, _ error: any Error) {
        isOver = true
        context.fireErrorCaught(error)
        context.close(promise: nil)
    }
}

extension HTTPResponseHead {
    /// Not an interim one. Nobody asked for other protocols, and the client takes a 101 for the last word as well.
    var isFinal: Bool { status.code >= 200 || status == .switchingProtocols }
}
