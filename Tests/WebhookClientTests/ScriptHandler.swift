import Foundation
import NIOCore

/// One connection of a `HostileReceiver`.
final class ScriptHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let watch: Watch
    private let greeting: [HostileReceiver.Step]
    private let answer: @Sendable (Int) -> [HostileReceiver.Step]
    private var unread: [UInt8] = []
    private var flood: ByteBuffer?

    init(
        _ watch: Watch, _ greeting: [HostileReceiver.Step],
        _ answer: @escaping @Sendable (Int) -> [HostileReceiver.Step]
    ) {
        self.watch = watch
        self.greeting = greeting
        self.answer = answer
    }

    func channelActive(context: ChannelHandlerContext) {
        watch.note { $0.accepted += 1 }
        run(greeting[...], context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        flood = nil
        watch.note { $0.closed += 1 }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A client that breaks off in the handshake, or resets: channelInactive tells.
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        unread += Self.unwrapInboundIn(data).readableBytesView
        while let length = Self.lengthOfRequest(unread) {
            let request = Array(unread.prefix(length))
            unread.removeFirst(length)
            var number = 0
            watch.note { seen in
                number = seen.requests.count
                seen.requests.append(request)
            }
            run(answer(number)[...], context)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        pour(context)
    }

    private func run(_ steps: ArraySlice<HostileReceiver.Step>, _ context: ChannelHandlerContext) {
        guard let step = steps.first else { return }
        switch step {
        case .send(let bytes):
            context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
            run(steps.dropFirst(), context)
        case .flood(let bytes):
            flood = ByteBuffer(bytes: bytes)
            pour(context)
        case .drip(let bytes): drip(bytes, 0, context)
        case .close: context.close(promise: nil)
        case .reset:
            // On the loop itself it is done when the call returns.
            let provider = context.channel as? any SocketOptionProvider
            provider?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenFailure { preconditionFailure("\($0)") }
            context.close(promise: nil)
        }
    }

    private func pour(_ context: ChannelHandlerContext) {
        guard let flood else { return }
        // At most a little at once, so that the loop also gets to hear that the peer has gone.
        guard context.channel.isWritable else { return }
        let written = context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let count = flood.readableBytes
        written.futureResult.whenSuccess {
            let (handler, context) = bound.value
            handler.watch.note { $0.flooded += count }
            handler.pour(context)
        }
        context.writeAndFlush(Self.wrapOutboundOut(flood), promise: written)
    }

    private func drip(_ bytes: [UInt8], _ index: Int, _ context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        let byte = ByteBuffer(bytes: [bytes[index % bytes.count]])
        context.writeAndFlush(Self.wrapOutboundOut(byte), promise: nil)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: .seconds(1)) {
            let (handler, context) = bound.value
            handler.drip(bytes, index + 1, context)
        }
    }

    /// Nil where the request is not whole.
    private static func lengthOfRequest(_ bytes: [UInt8]) -> Int? {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).lowercased()
        let field = head.split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
        let length = field.flatMap { Int($0.dropFirst(15).drop { $0 == " " }) } ?? 0
        return bytes.count >= end.upperBound + length ? end.upperBound + length : nil
    }
}
