import Foundation
import NIOCore
import NIOHTTP1
import Scheduling
import Webhooks

/// One connection. Requests come one after the other: NIO's pipelining handler holds the next one back until this one is answered.
final class ReceiverHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let receiver: WebhookReceiver
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()
    private var isTooLong = false

    init(_ receiver: WebhookReceiver) {
        self.receiver = receiver
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch Self.unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body.clear()
            isTooLong = false
            // A sender that asks first holds its body back until then. RFC 9110 section 10.1.1.
            if head.headers[canonicalForm: "expect"].contains(where: { $0.lowercased() == "100-continue" }) {
                let interim = HTTPResponseHead(version: head.version, status: .continue)
                context.writeAndFlush(Self.wrapOutboundOut(.head(interim)), promise: nil)
            }
        case .body(var part):
            guard !isTooLong, let head else { return }
            guard body.readableBytes + part.readableBytes <= WebhookReceiver.longestBody else {
                isTooLong = true
                let count = body.readableBytes + part.readableBytes
                body = ByteBuffer()
                return answer(head, .refused("its body is too long"), bytes: count, status: 413, context)
            }
            body.writeBuffer(&part)
        case .end:
            guard let head, !isTooLong else { return }
            take(head, context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent {
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // What is no HTTP has been answered by NIO's own handler, unless the request's own answer had begun; a reset needs none.
        if let error = error as? HTTPParserError, !isTooLong {
            let reason = error == .invalidEOFState ? "it broke off" : "it is not HTTP"
            receiver.report(
                ReceivedRequest(
                    receivedAt: receiver.now(), content: .refused(reason), id: nil, type: nil, isCloudEvent: false,
                    bytes: 0, age: nil, status: 400))
        }
        context.close(promise: nil)
    }

    private func take(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        switch head.method {
        case .OPTIONS: answer(head, .handshake(origin: origin(head)), bytes: body.readableBytes, status: 200, context)
        case .POST:
            let check = check(head)
            let status = if case .refused = check { 401 } else { receiver.manner.status }
            answer(head, .message(check), bytes: body.readableBytes, status: status, context)
        default:
            answer(head, .refused("its method is \(head.method)"), bytes: body.readableBytes, status: 405, context)
        }
    }

    private func origin(_ head: HTTPRequestHead) -> String? {
        head.headers.first(name: DeliveryConsent.originHeader)
    }

    private func check(_ head: HTTPRequestHead) -> ReceivedRequest.Check {
        guard let verifier = receiver.verifier else { return .unchecked }
        let headers = WebhookVerifier.Headers(
            id: head.headers.first(name: "webhook-id"), timestamp: head.headers.first(name: "webhook-timestamp"),
            signature: head.headers.first(name: "webhook-signature"))
        return switch verifier.verdict(on: headers, body: Array(body.readableBytesView), at: receiver.now()) {
        case .genuine(let key): .verified(key: key)
        case .refused(let refusal): .refused(refusal)
        }
    }

    private func answer(
        _ head: HTTPRequestHead, _ content: ReceivedRequest.Content, bytes: Int, status: Int,
        _ context: ChannelHandlerContext
    ) {
        let now = receiver.now()
        receiver.report(
            ReceivedRequest(
                receivedAt: now, content: content, id: head.headers.first(name: "webhook-id"), type: typeOfBody,
                isCloudEvent: isCloudEvent(head), bytes: bytes, age: age(head, now), status: status))
        body.clear()
        let response = response(to: head, content, status: status)
        guard receiver.manner.delay > .zero else { return write(response, context) }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: TimeAmount(receiver.manner.delay)) {
            let (handler, context) = bound.value
            handler.write(response, context)
        }
    }

    private func response(
        to head: HTTPRequestHead, _ content: ReceivedRequest.Content, status: Int
    ) -> HTTPResponseHead {
        var headers: HTTPHeaders = ["content-length": "0"]
        // What is left of a body is not read; and some clients ask for the end.
        if isTooLong || !head.isKeepAlive { headers.add(name: "connection", value: "close") }
        switch content {
        case .message(.refused), .message(.verified), .message(.unchecked): break
        case .refused: headers.add(name: "allow", value: "OPTIONS, POST")
        case .handshake(let origin):
            headers.add(name: "allow", value: "OPTIONS, POST")
            guard let origin else { break }
            headers.add(name: DeliveryConsent.allowedOriginHeader, value: origin)
            headers.add(name: DeliveryConsent.allowedRateHeader, value: "*")
        }
        return HTTPResponseHead(version: head.version, status: .init(statusCode: status), headers: headers)
    }

    private func write(_ response: HTTPResponseHead, _ context: ChannelHandlerContext) {
        context.write(Self.wrapOutboundOut(.head(response)), promise: nil)
        let end = context.eventLoop.makePromise(of: Void.self)
        if response.headers.first(name: "connection") == "close" {
            let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
            end.futureResult.whenComplete { _ in bound.value.close(promise: nil) }
        }
        context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: end)
    }

    private func isCloudEvent(_ head: HTTPRequestHead) -> Bool {
        head.headers.first(name: "content-type")?.lowercased().hasPrefix("application/cloudevents") ?? false
    }

    private var typeOfBody: String? {
        let object = try? JSONSerialization.jsonObject(with: Data(body.readableBytesView))
        return (object as? [String: Any])?["type"] as? String
    }

    private func age(_ head: HTTPRequestHead, _ now: Instant) -> Duration? {
        guard let text = head.headers.first(name: "webhook-timestamp"), let seconds = Int64(text) else { return nil }
        // Whole seconds, as the header has them.
        let (difference, overflow) = (now.milliseconds / 1_000).subtractingReportingOverflow(seconds)
        return overflow ? nil : .seconds(difference)
    }
}
