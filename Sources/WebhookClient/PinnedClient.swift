import AsyncHTTPClient
import NIOCore
import NIOSSL
import Webhooks

/// A client that connects to one address and no other: its override of the resolver holds for all that it does, so there is one for each. The certificate
/// is still asked for the name.
final class PinnedClient: Sendable {
    let http: HTTPClient
    private let version: OneVersion

    /// Its peer speaks HTTP/1.1, which takes another client.
    var isOutdated: Bool { version.hasRefused }

    /// - Parameter offersHTTP2: to a peer that speaks TLS; then nothing else is taken.
    init(
        _ endpoint: PinnedEndpoint, offersHTTP2: Bool, _ configuration: WebhookClient.Configuration,
        _ tls: TLSConfiguration,
        _ stuck: StuckConnections, policy: @escaping @Sendable () -> AddressPolicy
    ) {
        var settings = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow,
            timeout: .init(connect: TimeAmount(configuration.connectTimeout)), decompression: .disabled)
        version = OneVersion(offersHTTP2 ? .http2 : .http1)
        settings.httpVersion = offersHTTP2 ? .automatic : .http1Only
        settings.connectionPool.idleTimeout = TimeAmount(configuration.idleTimeout)
        // Failures are the caller's to retry, by its schedule and its breaker.
        settings.connectionPool.retryConnectionEstablishment = false
        // Several endpoints may stand behind one name: one that hangs must not hold what another needs. The caller's
        // limits bound what is under way.
        settings.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = Int(Int32.max)
        if case .name(let name) = endpoint.host { settings.dnsOverride = [name: endpoint.address.description] }
        let vetting = Vetting(endpoint, stuck, policy)
        settings.http1_1ConnectionDebugInitializer = { [version] channel in
            vetting.vet(channel, version, .http1) { try ConnectionGuard.install(in: channel) }
        }
        settings.http2ConnectionDebugInitializer = { [version] channel in
            vetting.vet(channel, version, .http2) { try HTTP2Guard.install(in: channel) }
        }
        settings.http2StreamChannelDebugInitializer = { channel in HTTP2StreamGuard.install(in: channel) }
        // One loop for all that it does: a message and its connection take their steps in turn.
        http = HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup.next(), configuration: settings)
    }
}
