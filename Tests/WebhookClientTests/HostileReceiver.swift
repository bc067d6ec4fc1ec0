import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// A server on loopback that reads requests as HTTP/1.1 has them and answers with whatever bytes a test wants.
final class HostileReceiver: Sendable {
    enum Step: Sendable {
        case send([UInt8])
        /// For ever, as fast as they are taken.
        case flood([UInt8])
        /// One byte after the other, for ever, a second apart.
        case drip([UInt8])
        case pause(Duration)
        case close
        /// A RST instead of a FIN.
        case reset

        static func send(_ text: String) -> Step { .send(Array(text.utf8)) }
        static func flood(_ text: String) -> Step { .flood(Array(text.utf8)) }
        static func drip(_ text: String) -> Step { .drip(Array(text.utf8)) }
    }

    struct Seen: Sendable {
        var accepted = 0
        var closed = 0
        /// Head and body of each, as they came.
        var requests: [[UInt8]] = []
        /// Bytes that floods got rid of.
        var flooded = 0
    }

    /// What one of its connections does.
    struct Manners: Sendable {
        var tls: NIOSSLContext?
        var framing: Framing = HostileReceiver.http1
        /// What it begins with, before any request.
        var greeting: [Step] = []
        /// To the n-th request of all connections, from 0.
        let answer: @Sendable (Int) -> [Step]
    }

    /// Its own, so that a receiver's work never stands in the way of what is tried.
    private static let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    let port: Int
    private let channel: any Channel
    private let watch: Watch

    convenience init(
        tls: NIOSSLContext? = nil, framing: @escaping Framing = HostileReceiver.http1, address: String = "127.0.0.1",
        port: Int = 0, greeting: [Step] = [],
        answer: @escaping @Sendable (Int) -> [Step]
    ) async throws {
        let manners = Manners(tls: tls, framing: framing, greeting: greeting, answer: answer)
        try await self.init(address: address, port: port) { manners }
    }

    /// - Parameter manners: of the next connection.
    init(address: String = "127.0.0.1", port: Int = 0, manners: @escaping @Sendable () -> Manners) async throws {
        let watch = Watch()
        let bootstrap = ServerBootstrap(group: Self.loops)
            .serverChannelOption(.backlog, value: 2_048)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.submit {
                    let pipeline = channel.pipeline.syncOperations
                    let manners = manners()
                    if let tls = manners.tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
                    try pipeline.addHandler(ScriptHandler(watch, manners))
                }
            }
        channel = try await Self.bind(bootstrap, address, port)
        self.watch = watch
        self.port = channel.localAddress?.port ?? 0
    }

    /// A given port was another receiver's until now. Since then a connection of another test may have it as its own end: for as long as that test takes.
    private static func bind(_ bootstrap: ServerBootstrap, _ address: String, _ port: Int) async throws -> any Channel {
        for _ in 0..<100 where port != 0 {
            do {
                return try await bootstrap.bind(host: address, port: port).get()
            } catch let error as IOError where error.errnoCode == EADDRINUSE {
                try await Task.sleep(for: .milliseconds(200))
            }
        }
        return try await bootstrap.bind(host: address, port: port).get()
    }

    var seen: Seen { watch.seen }

    /// Waits for what connections do; fails the test that waits for longer than two minutes, which only one that hangs does: beside the whole
    /// suite on two cores a thousand connections took over 20 s.
    func wait(until condition: @escaping @Sendable (Seen) -> Bool) async throws {
        try await watch.wait(until: condition)
    }

    func stop() async throws {
        try await channel.close()
    }

    /// Stops whatever the body does.
    static func with<Value>(
        _ receiver: HostileReceiver, _ body: (HostileReceiver) async throws -> Value
    ) async throws -> Value {
        do {
            let value = try await body(receiver)
            try await receiver.stop()
            return value
        } catch {
            try? await receiver.stop()
            throw error
        }
    }
}

/// What was seen, and who waits for it.
final class Watch: Sendable {
    private struct State {
        var seen = HostileReceiver.Seen()
        var waiting:
            [(condition: @Sendable (HostileReceiver.Seen) -> Bool, continuation: AsyncStream<Void>.Continuation)] =
                []
    }

    struct WaitedTooLong: Error {
        let accepted, closed, requests: Int

        init(_ seen: HostileReceiver.Seen) {
            (accepted, closed, requests) = (seen.accepted, seen.closed, seen.requests.count)
        }
    }

    private let state = Mutex(State())

    var seen: HostileReceiver.Seen { state.withLock { $0.seen } }

    func note(_ change: (inout HostileReceiver.Seen) -> Void) {
        state.withLock { state in
            change(&state.seen)
            let seen = state.seen
            state.waiting.removeAll { waiter in
                guard waiter.condition(seen) else { return false }
                waiter.continuation.yield()
                return true
            }
        }
    }

    func wait(until condition: @escaping @Sendable (HostileReceiver.Seen) -> Bool) async throws {
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        state.withLock { state in
            if condition(state.seen) { continuation.yield() } else { state.waiting.append((condition, continuation)) }
        }
        try await withThrowingTaskGroup { group in
            group.addTask { for await _ in stream { break } }
            group.addTask {
                try await Task.sleep(for: .seconds(120))
                throw WaitedTooLong(self.seen)
            }
            try await group.next()
            group.cancelAll()
        }
    }
}
