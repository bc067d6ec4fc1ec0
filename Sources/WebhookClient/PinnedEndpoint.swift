import AsyncHTTPClient
import NIOCore
import NIOSSL
import Webhooks

/// What connections may be shared for: the same origin at the same address.
struct PinnedEndpoint: Hashable, Sendable {
    let scheme: DeliveryURL.Scheme
    let host: DeliveryHost
    let port: UInt16
    let address: IPAddress

    init(_ url: DeliveryURL, at address: IPAddress) {
        scheme = url.scheme
        host = url.host
        port = url.port
        self.address = address
    }

    var peer: StuckConnections.Peer { StuckConnections.Peer(address: address, port: port) }

    /// A client that connects to that address and no other: its override of the resolver holds for all that it does, so
    /// there is one for each. The certificate is still asked for the name.
    func client(
        _ configuration: WebhookClient.Configuration, _ tls: TLSConfiguration, _ stuck: StuckConnections,
        policy: @escaping @Sendable () -> AddressPolicy
    ) -> HTTPClient {
        var settings = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow,
            timeout: .init(connect: TimeAmount(configuration.connectTimeout)), decompression: .disabled)
        settings.httpVersion = configuration.offersHTTP2 ? .automatic : .http1Only
        settings.connectionPool.idleTimeout = TimeAmount(configuration.idleTimeout)
        // Failures are the caller's to retry, by its schedule and its breaker.
        settings.connectionPool.retryConnectionEstablishment = false
        // Several endpoints may stand behind one name: one that hangs must not hold what another needs. The caller's
        // limits bound what is under way.
        settings.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = Int(Int32.max)
        if case .name(let name) = host { settings.dnsOverride = [name: address.description] }
        settings.http1_1ConnectionDebugInitializer = { [self] channel in
            ConnectionGuard.vet(channel, self, stuck, policy).flatMap { ConnectionGuard.install(in: channel) }
        }
        settings.http2ConnectionDebugInitializer = { [self] channel in
            ConnectionGuard.vet(channel, self, stuck, policy).flatMap { HTTP2Guard.install(in: channel) }
        }
        settings.http2StreamChannelDebugInitializer = { channel in HTTP2StreamGuard.install(in: channel) }
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: settings)
    }
}
