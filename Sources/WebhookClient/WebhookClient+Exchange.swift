import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Webhooks

extension WebhookClient {
    typealias Exchange = Result<WebhookResponse, SendFailure>

    /// Addresses of a name that are tried one after the other while no connection comes about.
    private static let mostAddresses = 4

    func exchange(_ request: WebhookRequest, _ progress: SendProgress) async -> Exchange {
        let host = request.url.host
        let policy = policy()
        var addresses: [IPAddress] = []
        switch host {
        case .address(let address): addresses = [address]
        case .name(let name):
            if let refusal = policy.refusal(ofName: name) { return .failure(.addressRefused(refusal)) }
            switch await names.addresses(of: name) {
            case .success(let answer): addresses = answer
            case .failure(.cancelled): return .failure(.cancelled)
            case .failure(let failure): return .failure(.resolveFailed(failure))
            }
        }
        // All of them, though few are tried: one that is refused refuses the name.
        if case .refused(let refusal) = policy.verdict(on: host, resolvedTo: addresses) {
            return .failure(.addressRefused(refusal))
        }
        var result = Exchange.failure(.connectTimeout)
        var untried = Array(addresses.prefix(Self.mostAddresses))
        var gone: Set<IPAddress> = []
        while !untried.isEmpty, !Task.isCancelled {
            let address = untried.removeFirst()
            let endpoint = PinnedEndpoint(request.url, at: address)
            progress.connect(to: endpoint)
            result = await exchange(request, endpoint, progress)
            guard case .failure(let failure) = result, failure.isOfConnecting else { return result }
            // A connection of before may have ended as it was taken. Nothing went over it: a new one is tried, once.
            if failure == .connectionGone, !gone.contains(address) { untried.insert(address, at: 0) }
            gone.insert(address)
        }
        return Task.isCancelled ? .failure(.cancelled) : result
    }

    private func exchange(
        _ request: WebhookRequest, _ endpoint: PinnedEndpoint, _ progress: SendProgress
    ) async -> Exchange {
        guard let client = clients.take(endpoint) else { return .failure(.cancelled) }
        defer { clients.giveBack(endpoint) }
        do {
            // The client's deadline would end with the response's head. Ours is the task's end.
            let response = try await client.execute(request.prepared(progress), deadline: .distantFuture)
            let status = Int(response.status.code)
            progress.reach(.reading(status: status))
            var body: [UInt8] = []
            var read = 0
            // Leaving the loop before the end closes the connection, or resets the stream.
            for try await buffer in response.body {
                body += buffer.readableBytesView.prefix(WebhookResponse.longestBody - body.count)
                read += buffer.readableBytes
                if read > WebhookResponse.mostRead { break }
            }
            return .success(WebhookResponse(response, body, isCut: read > body.count, from: endpoint.address))
        } catch {
            return .failure(SendFailure(error, after: progress))
        }
    }
}

extension WebhookRequest {
    fileprivate func prepared(_ progress: SendProgress) -> HTTPClientRequest {
        var prepared = HTTPClientRequest(url: url.canonical)
        prepared.method = HTTPMethod(rawValue: method.rawValue)
        prepared.headers = HTTPHeaders(headers.map { ($0.name, $0.value) })
        prepared.headers.replaceOrAdd(name: "Host", value: url.authority)
        if body.isEmpty {
            // Nothing tells when the connection stands.
            progress.reach(.waiting)
        } else {
            let bytes = ByteBuffer(bytes: body)
            prepared.body = .stream(
                WatchedBody(bytes: bytes, progress: progress), length: .known(Int64(bytes.readableBytes)))
        }
        return prepared
    }
}

extension WebhookResponse {
    fileprivate init(_ response: HTTPClientResponse, _ body: [UInt8], isCut: Bool, from address: IPAddress) {
        status = Int(response.status.code)
        version = response.version.major == 2 ? "HTTP/2" : "\(response.version)"
        head = ResponseHead.text(
            version: version, status: response.status, headers: response.headers, atMost: Self.longestHead)
        self.body = body
        isBodyCut = isCut
        self.address = address
        retryAfter = response.headers.first(name: "Retry-After")
        allowedOrigin = response.headers.first(name: DeliveryConsent.allowedOriginHeader)
        allowedRate = response.headers.first(name: DeliveryConsent.allowedRateHeader)
    }
}
