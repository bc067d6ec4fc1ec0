import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Synchronization
import Webhooks

/// One message on its way to an endpoint: its name is resolved, its addresses are judged and tried one after the other while no connection comes about,
/// until there is a response or a failure.
///
/// It is moved on by the client's event loops, and holds no task while it waits for a receiver, neither ours nor the client's: one that hangs is a few
/// objects. Through the client's `async` interface it was 43 kB, 25 of them the stacks of seven tasks (1.37.0; heaptrack over 1,000 that hung).
package final class Exchange: Sendable {
    typealias Outcome = Result<WebhookResponse, SendFailure>

    /// What an exchange needs of the client that makes it.
    struct Parts: Sendable {
        let policy: @Sendable () -> AddressPolicy
        let names: ResolvedNames
        let clients: PinnedClients
        let stuck: StuckConnections
    }

    private struct State {
        var resolving: Task<Void, Never>?
        var untried: ArraySlice<IPAddress> = []
        /// Addresses that had a connection of before which ended as it was taken.
        var gone: [IPAddress] = []
        var progress = SendProgress()
        var sending: HTTPClient.Task<WebhookResponse>?
        var response: PartialResponse?
        /// Bytes of its body.
        var read = 0
        var isCancelled = false
    }

    /// More of a body came than is read.
    private struct Enough: Error {}

    private let parts: Parts
    private let url: DeliveryURL
    private let request: HTTPClient.Request
    private let start: NIODeadline
    private let deadline: NIODeadline
    private let whenDone: @Sendable (SendOutcome) -> Void
    private let state = Mutex(State())

    /// Addresses of a name that are tried while no connection comes about.
    private static let mostAddresses = 4

    /// - Throws: for a request that HTTP cannot carry.
    init(
        _ request: WebhookRequest, _ parts: Parts, since start: NIODeadline,
        whenDone: @escaping @Sendable (SendOutcome) -> Void
    ) throws {
        self.parts = parts
        url = request.url
        self.request = try request.prepared()
        self.start = start
        deadline = start + TimeAmount(request.deadline)
        self.whenDone = whenDone
    }

    /// Ends it soon, with `.cancelled`, unless it has an outcome by then.
    package func cancel() {
        let (resolving, sending) = state.withLock { state in
            state.isCancelled = true
            return (state.resolving, state.sending)
        }
        resolving?.cancel()
        sending?.cancel()
    }

    // MARK: Addresses

    /// To be called once.
    func begin() {
        // One for all of the judging, so that a reload meanwhile leaves no half of either.
        let policy = parts.policy()
        switch url.host {
        case .address(let address): connect(.success([address]), policy)
        case .name(let name):
            if let refusal = policy.refusal(ofName: name) { return end(.failure(.addressRefused(refusal))) }
            if let answer = parts.names.known(name) { return connect(answer, policy) }
            let resolving = Task { [self] in
                if let answer = await parts.names.addresses(of: name, until: deadline) {
                    connect(answer, policy)
                } else {
                    end(.failure(.resolveTimeout))
                }
            }
            let isCancelled = state.withLock { state in
                state.resolving = resolving
                return state.isCancelled
            }
            if isCancelled { resolving.cancel() }
        }
    }

    private func connect(_ answer: ResolvedNames.Answer, _ policy: AddressPolicy) {
        let addresses: [IPAddress]
        switch answer {
        case .success(let found): addresses = found
        case .failure(.cancelled): return end(.failure(.cancelled))
        case .failure(let failure): return end(.failure(.resolveFailed(failure)))
        }
        // All of them, though few are tried: one that is refused refuses the name.
        if case .refused(let refusal) = policy.verdict(on: url.host, resolvedTo: addresses) {
            return end(.failure(.addressRefused(refusal)))
        }
        state.withLock { state in
            state.resolving = nil
            state.untried = addresses.prefix(Self.mostAddresses)
        }
        tryNext(or: .connectTimeout)
    }

    /// - Parameter failure: what it ends with where no address is left.
    private func tryNext(or failure: SendFailure) {
        let endpoint = state.withLock { state -> PinnedEndpoint? in
            guard !state.isCancelled, let address = state.untried.popFirst() else { return nil }
            let endpoint = PinnedEndpoint(url, at: address)
            state.progress = SendProgress(step: .connecting, endpoint: endpoint)
            (state.response, state.read) = (nil, 0)
            return endpoint
        }
        guard let endpoint else { return end(.failure(failure)) }
        guard let client = parts.clients.take(endpoint) else { return end(.failure(.cancelled)) }
        let sending = client.http.execute(request: request, delegate: self, deadline: deadline)
        let isCancelled = state.withLock { state in
            state.sending = sending
            return state.isCancelled
        }
        if isCancelled { sending.cancel() }
        // Not before the task is known, which `ended` forgets.
        sending.futureResult.whenComplete { [self] result in
            parts.clients.giveBack(client, of: endpoint)
            ended(result, at: endpoint.address)
        }
    }

    // MARK: Outcomes

    private func ended(_ result: Result<WebhookResponse, any Error>, at address: IPAddress) {
        let outcome = state.withLock { state -> Outcome in
            state.sending = nil
            switch result {
            case .success(let response): return .success(response)
            case .failure(is Enough), .failure(is ExchangeOrder.EndedEarly):
                return state.response.map { .success($0.whole) } ?? .failure(.other)
            // The response came first, and is one that lets the client send no more of the body.
            case .failure(let error as HTTPClientError)
            where [.requestStreamCancelled, .bodyLengthMismatch].contains(error):
                return state.response.map { .success($0.whole) } ?? .failure(.closedEarly(status: nil))
            case .failure(let error): return .failure(SendFailure(error, after: state.progress))
            }
        }
        guard case .failure(let failure) = outcome, failure.isOfConnecting, NIODeadline.now() < deadline else {
            return end(outcome)
        }
        // A connection of before may have ended as it was taken, or another version is spoken. Nothing went over it: a new one is tried, once.
        state.withLock { state in
            if [.connectionGone, .otherVersion].contains(failure), !state.gone.contains(address) {
                state.untried = [address] + state.untried
            }
            state.gone.append(address)
        }
        tryNext(or: failure)
    }

    private func end(_ outcome: Outcome) {
        let (progress, isCancelled) = state.withLock { state in
            state.response = nil
            return (state.progress, state.isCancelled)
        }
        var outcome = outcome
        if case .failure = outcome {
            if isCancelled || parts.clients.isShutDown { outcome = .failure(.cancelled) }
            // Whatever step it had come to, where no head came.
            if progress.status == nil, let endpoint = progress.endpoint, endpoint.scheme == .https {
                parts.stuck.suspect(endpoint.peer)
            }
        }
        whenDone(SendOutcome(result: outcome, duration: Duration(NIODeadline.now() - start)))
    }
}

extension Exchange: HTTPClientResponseDelegate {
    typealias Response = WebhookResponse

    func didSendRequestHead(task: HTTPClient.Task<Response>, _ head: HTTPRequestHead) {
        state.withLock { $0.progress.step = .waiting }
    }

    func didReceiveHead(task: HTTPClient.Task<Response>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
        state.withLock { state in
            state.progress.step = .reading(status: Int(head.status.code))
            state.response = state.progress.endpoint.map { PartialResponse(head: head, address: $0.address) }
        }
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveBodyPart(
        task: HTTPClient.Task<Response>, _ buffer: ByteBuffer
    ) -> EventLoopFuture<Void> {
        let isEnough = state.withLock { state in
            state.read += buffer.readableBytes
            state.response?.append(buffer.readableBytesView)
            return state.read > WebhookResponse.mostRead
        }
        // Which closes the connection, or resets the stream.
        return isEnough ? task.eventLoop.makeFailedFuture(Enough()) : task.eventLoop.makeSucceededVoidFuture()
    }

    func didFinishRequest(task: HTTPClient.Task<Response>) throws -> Response {
        guard let response = state.withLock({ $0.response }) else { throw HTTPClientError.remoteConnectionClosed }
        return response.whole
    }
}

extension WebhookRequest {
    fileprivate func prepared() throws -> HTTPClient.Request {
        var headers = HTTPHeaders(headers.map { ($0.name, $0.value) })
        headers.replaceOrAdd(name: "Host", value: url.authority)
        return try HTTPClient.Request(
            url: url.canonical, method: HTTPMethod(rawValue: method.rawValue), headers: headers,
            body: body.isEmpty ? nil : UnsentBody(body).body)
    }
}

/// A body until it goes to the connection, which happens once: nothing of it is held by an attempt that waits for the response.
private final class UnsentBody: Sendable {
    private let bytes: Mutex<[UInt8]?>
    private let count: Int

    init(_ bytes: [UInt8]) {
        count = bytes.count
        self.bytes = Mutex(bytes)
    }

    var body: HTTPClient.Body {
        .stream(contentLength: Int64(count)) { [self] writer in
            let bytes = bytes.withLock { bytes in
                defer { bytes = nil }
                return bytes
            }
            // Asked for once more there would be too few bytes, which the client refuses.
            return writer.write(.byteBuffer(ByteBuffer(bytes: bytes ?? [])))
        }
    }
}

/// A response while it comes. Its head stays as the client holds it anyway, for as long as the body comes: as text it would be 16 KiB more of an endpoint
/// that stops there.
private struct PartialResponse {
    let head: HTTPResponseHead
    let address: IPAddress
    var body: [UInt8] = []
    var isBodyCut = false

    mutating func append(_ bytes: ByteBufferView) {
        let kept = bytes.prefix(WebhookResponse.longestBody - body.count)
        body += kept
        if kept.count < bytes.count { isBodyCut = true }
    }

    var whole: WebhookResponse {
        let version = head.version.major == 2 ? "HTTP/2" : "\(head.version)"
        return WebhookResponse(
            status: Int(head.status.code),
            head: ResponseHead.text(
                version: version, status: head.status, headers: head.headers, atMost: WebhookResponse.longestHead),
            body: body, isBodyCut: isBodyCut, version: version, address: address,
            retryAfter: head.headers.first(name: "Retry-After"),
            allowedOrigin: head.headers.first(name: DeliveryConsent.allowedOriginHeader),
            allowedRate: head.headers.first(name: DeliveryConsent.allowedRateHeader))
    }
}
