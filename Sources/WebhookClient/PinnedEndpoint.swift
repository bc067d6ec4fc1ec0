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
}
