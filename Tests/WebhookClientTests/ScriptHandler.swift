import Foundation
import NIOCore

/// One connection of a `HostileReceiver`.
final class ScriptHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let watch: Watch
    private let manners: HostileReceiver.Manners
    private var unread: [UInt8] = []
    private var flood: ByteBuffer?
    private var isPouring = false

    init(_ watch: Watch, _ manners: HostileReceiver.Manners) {
        self.watch = watch
        self.manners = manners
    }

    func channelActive(context: ChannelHandlerContext) {
        watch.note { $0.accepted += 1 }
        run(manners.greeting[...], context)
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
        while let length = manners.framing(unread) {
            let request = Array(unread.prefix(length))
            unread.removeFirst(length)
            var number = 0
            watch.note { seen in
                number = seen.requests.count
                seen.requests.append(request)
            }
            run(manners.answer(number)[...], context)
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
            // In pieces of some kibibytes, however short the bytes are.
            let times = max(0x2000 / bytes.count, 1)
            flood = ByteBuffer(bytes: Array(repeating: bytes, count: times).joined())
            pour(context)
        case .drip(let bytes): drip(bytes, 0, context)
        case .pause(let time):
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            context.eventLoop.scheduleTask(in: TimeAmount(time)) {
                let (handler, context) = bound.value
                handler.run(steps.dropFirst(), context)
            }
        case .close: context.close(promise: nil)
        case .reset:
            // The client may have been faster.
            guard context.channel.isActive else { return }
            // On the loop itself it is done when the call returns.
            let provider = context.channel as? any SocketOptionProvider
            provider?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenFailure { preconditionFailure("\($0)") }
            context.close(promise: nil)
        }
    }

    /// A piece in each turn of the loop, which has others to serve; all the while the socket takes it.
    private func pour(_ context: ChannelHandlerContext) {
        guard let flood, context.channel.isActive, context.channel.isWritable else { return }
        watch.note { $0.flooded += flood.readableBytes }
        context.writeAndFlush(Self.wrapOutboundOut(flood), promise: nil)
        guard !isPouring else { return }
        isPouring = true
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.execute {
            let (handler, context) = bound.value
            handler.isPouring = false
            handler.pour(context)
        }
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
}
