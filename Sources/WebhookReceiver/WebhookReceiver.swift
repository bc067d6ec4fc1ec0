import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
package import Scheduling
import Synchronization
package import Webhooks

/// A small server that takes webhooks, verifies their signatures and tells of each: for trying things out, not for the open network.
///
/// What it holds is bounded: bodies by `longestBody`, heads by NIOHTTP1 (80 KiB), connections by their number and by the time that one may stay
/// silent. One event loop does it all.
package struct WebhookReceiver: Sendable {
    /// A payload of the greatest length, in CloudEvents' envelope.
    package static let longestBody = 1_048_576 + 65_536
    static let mostConnections = 64
    static let longestSilence = TimeAmount.seconds(60)

    /// How it answers.
    package struct Manner: Sendable {
        /// Of messages that are verified or not checked; what is refused gets 401.
        package var status: Int
        /// Before the response.
        package var delay: Duration

        package init(status: Int = 200, delay: Duration = .zero) {
            self.status = status
            self.delay = delay
        }
    }

    let verifier: WebhookVerifier?
    let manner: Manner
    let now: @Sendable () -> Instant
    let report: @Sendable (ReceivedRequest) -> Void

    /// - Parameters:
    ///   - verifier: nil to check nothing.
    ///   - report: told of each request before it is answered; what holds it up holds up everybody.
    package init(
        verifier: WebhookVerifier?, manner: Manner = Manner(), now: @escaping @Sendable () -> Instant,
        report: @escaping @Sendable (ReceivedRequest) -> Void
    ) {
        self.verifier = verifier
        self.manner = manner
        self.now = now
        self.report = report
    }

    /// Listens until its task is cancelled.
    ///
    /// - Parameters:
    ///   - port: 0 for any that is free.
    ///   - listening: told the port once messages can come.
    /// - Throws: `Unavailable`, where it cannot listen there.
    package func run(
        host: String, port: Int, listening: @Sendable (Int) -> Void
    ) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            try await serve(on: group, host: host, port: port, listening: listening)
            try await group.shutdownGracefully()
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
    }

    private func serve(
        on group: MultiThreadedEventLoopGroup, host: String, port: Int, listening: @Sendable (Int) -> Void
    ) async throws {
        let places = Places(most: Self.mostConnections)
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 128)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { [self] channel in
                channel.eventLoop.submit {
                    guard places.take() else { throw Unavailable(cause: "too many connections") }
                    channel.closeFuture.whenComplete { _ in places.giveBack() }
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(IdleStateHandler(allTimeout: Self.longestSilence))
                    try pipeline.configureHTTPServerPipeline(withErrorHandling: true)
                    try pipeline.addHandler(ReceiverHandler(self))
                }
            }
        let channel: any Channel
        do {
            channel = try await bootstrap.bind(host: host, port: port).get()
        } catch let error as IOError {
            throw Unavailable(cause: String(cString: strerror(error.errnoCode)))
        } catch is SocketAddressError.UnknownHost {
            throw Unavailable(cause: "there is no such address")
        }
        listening(channel.localAddress?.port ?? port)
        try await withTaskCancellationHandler {
            try await channel.closeFuture.get()
        } onCancel: {
            channel.close(promise: nil)
        }
    }

    /// It cannot listen, or take one more connection.
    package struct Unavailable: Error {
        package let cause: String
    }
}

/// Connections that are open, of those that may be.
private final class Places: Sendable {
    private let count = Mutex(0)
    private let most: Int

    init(most: Int) {
        self.most = most
    }

    func take() -> Bool {
        count.withLock { count in
            guard count < most else { return false }
            count += 1
            return true
        }
    }

    func giveBack() {
        count.withLock { $0 -= 1 }
    }
}
