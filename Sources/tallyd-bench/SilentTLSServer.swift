import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// A receiver on loopback that shakes hands, reads what comes, and never answers.
final class SilentTLSServer: Sendable {
    let port: Int
    private let channel: any Channel
    private let connections: Connections

    /// - Parameter certificate: PEM files: it, and its key.
    static func start(_ certificate: (path: String, key: String)) async throws -> SilentTLSServer {
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(certificate.path).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: certificate.key, format: .pem)))
        tls.applicationProtocols = ["http/1.1"]
        let context = try NIOSSLContext(configuration: tls)
        let connections = Connections()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(ChannelOptions.backlog, value: 1_024)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(NIOSSLServerHandler(context: context))
                    try pipeline.addHandler(Silence(connections))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        guard let port = channel.localAddress?.port else { throw BenchError("can't listen on loopback") }
        return SilentTLSServer(channel, port, connections)
    }

    private init(_ channel: any Channel, _ port: Int, _ connections: Connections) {
        self.channel = channel
        self.port = port
        self.connections = connections
    }

    /// Connections that a request has come by.
    var count: Int { connections.all.withLock { $0.count } }

    /// Ends it, with every connection.
    func close() {
        channel.close(promise: nil)
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

    private let connections: Connections

    init(_ connections: Connections) { self.connections = connections }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        connections.all.withLock { $0[ObjectIdentifier(context.channel)] = context.channel }
    }

    func channelInactive(context: ChannelHandlerContext) {
        connections.all.withLock { $0[ObjectIdentifier(context.channel)] = nil }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
