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
        /// Its head is written.
        case begun
        case sent
    }

    /// Told what the decoder has made; nil over HTTP/2.
    private let connection: ConnectionGuard?
    private var request = Request.none
    private var hasHead = false

    init(_ connection: ConnectionGuard? = nil) {
        self.connection = connection
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch Self.unwrapOutboundIn(data) {
        case .head: (request, hasHead) = (.begun, false)
        case .body: break
        case .end:
            // Once it has gone to the socket. Until then a peer that gives a stream no window may answer it as often as it likes, and what was not sent
            // would stay; and what comes while a write fails comes in the middle of the client's own step.
            let sent = context.eventLoop.makePromise(of: Void.self)
            sent.futureResult.assumeIsolated().whenSuccess { self.request = .sent }
            sent.futureResult.cascade(to: promise)
            return context.write(data, promise: sent)
        }
        context.write(data, promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = Self.unwrapInboundIn(data)
        connection?.decoded(part)
        let isExpected: Bool
        switch part {
        case .head(let head):
            isExpected = request != .none && !hasHead
            hasHead = head.isFinal
        case .body: isExpected = request != .none && hasHead
        case .end:
            isExpected = request != .none && hasHead
            guard isExpected, request == .begun else {
                request = .none
                break
            }
            // Has the client hand over what it holds of a body.
            context.fireChannelReadComplete()
            return end(context, EndedEarly())
        }
        guard isExpected else { return end(context, Broken()) }
        context.fireChannelRead(data)
    }

    private func end(_ context: ChannelHandlerContext, _ error: any Error) {
        context.fireErrorCaught(error)
        context.close(promise: nil)
    }
}

extension HTTPResponseHead {
    /// Not an interim one. Nobody asked for other protocols, and the client takes a 101 for the last word as well.
    var isFinal: Bool { status.code >= 200 || status == .switchingProtocols }
}
