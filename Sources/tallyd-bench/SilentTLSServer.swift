import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// A receiver on loopback that shakes hands, reads what comes, and never answers, or stops on the way.
final class SilentTLSServer: Sendable {
    /// One for each of its listeners: to a client they are as many origins.
    let ports: [Int]
    private let channels: [any Channel]
    private let connections: Connections

    /// - Parameters:
    ///   - certificate: PEM files: it, and its key.
    ///   - response: what it sends once a request has come, and nothing after that.
    static func start(
        _ certificate: (path: String, key: String), ports count: Int = 1, response: [UInt8] = []
    ) async throws -> SilentTLSServer {
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(certificate.path).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: certificate.key, format: .pem)))
        tls.applicationProtocols = ["http/1.1"]
        let context = try NIOSSLContext(configuration: tls)
        let connections = Connections()
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(ChannelOptions.backlog, value: 1_024)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(NIOSSLServerHandler(context: context))
                    try pipeline.addHandler(Silence(connections, response))
                }
            }
        var channels: [any Channel] = []
        for _ in 0..<count { channels.append(try await bootstrap.bind(host: "127.0.0.1", port: 0).get()) }
        return SilentTLSServer(channels, connections)
    }

    private init(_ channels: [any Channel], _ connections: Connections) {
        self.channels = channels
        ports = channels.compactMap { $0.localAddress?.port }
        self.connections = connections
    }

    /// Connections that a request has come by.
    var count: Int { connections.all.withLock { $0.count } }

    /// Ends it, with every connection.
    func close() {
        for channel in channels { channel.close(promise: nil) }
        for connection in connections.all.withLock({ $0.values }) { connection.close(promise: nil) }
    }

    /// One that is valid for a day and for 127.0.0.1, signed by itself.
    static func makeCertificate(in folder: String) throws -> (path: String, key: String) {
        let pair = (path: folder + "/receiver.pem", key: folder + "/receiver.key")
        let made = try ChildProcess.run(
            "openssl",
            [
                "req", "-x509", "-days", "1", "-subj", "/CN=tallyd-bench", "-addext", "subjectAltName=IP:127.0.0.1",
                "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", pair.key, "-out",
                pair.path,
            ])
        guard made.status == 0 else { throw BenchError("openssl made no certificate\n\(made.output)") }
        return pair
    }
}

private final class Connections: Sendable {
    let all = Mutex<[ObjectIdentifier: any Channel]>([:])
}

private final class Silence: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let connections: Connections
    private let response: [UInt8]

    init(_ connections: Connections, _ response: [UInt8]) {
        self.connections = connections
        self.response = response
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let isFirst = connections.all.withLock {
            $0.updateValue(context.channel, forKey: ObjectIdentifier(context.channel)) == nil
        }
        guard isFirst, !response.isEmpty else { return }
        context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer(bytes: response)), promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        connections.all.withLock { $0[ObjectIdentifier(context.channel)] = nil }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
