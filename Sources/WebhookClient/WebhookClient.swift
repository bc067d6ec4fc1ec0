package import Webhooks

/// Sends one message to one endpoint, once, to an address that was judged.
package final class WebhookClient: Sendable {
    package struct Configuration: Sendable {
        /// PEM files: a certificate (its chain after it) and its key, shown to endpoints that ask.
        package var clientCertificate: (chain: String, key: String)?
        /// A PEM file of authorities that are trusted beside the system's.
        package var extraAuthorities: String?
        /// Whether HTTP/2 is offered to those who speak TLS.
        package var offersHTTP2 = true
        /// For each address; the deadline of a request may end it earlier.
        package var connectTimeout: Duration = .seconds(10)
        /// How long a connection, and what belongs to its endpoint, is kept unused.
        package var idleTimeout: Duration = .seconds(30)
        /// Endpoints (scheme, host, port and address) whose connections are kept while nothing is under way.
        package var mostIdle = 256
        /// How long the addresses of a name are taken as they are.
        package var resolvedFor: Duration = .seconds(2)

        package init() {}
    }

    let policy: @Sendable () -> AddressPolicy
    let names: ResolvedNames
    let clients: PinnedClients
    private let stuck: StuckConnections

    /// - Parameters:
    ///   - policy: asked for each message and each new connection, so that a reload counts from the next one on.
    /// - Throws: `Defect`, for a PEM file that cannot be read.
    package init(
        _ configuration: Configuration = Configuration(), resolver: any HostResolving,
        policy: @escaping @Sendable () -> AddressPolicy
    ) throws(Defect) {
        self.policy = policy
        names = ResolvedNames(resolver, validity: configuration.resolvedFor)
        // A second on top: the limit of a handshake counts from when the client gets to it.
        stuck = StuckConnections(grace: configuration.connectTimeout + .seconds(1))
        clients = PinnedClients(configuration, try .deliveries(configuration), stuck, policy: policy)
    }

    /// Never throws: whatever goes wrong is the outcome. Cancelling the task ends it soon, with `.cancelled`.
    package func send(_ request: WebhookRequest) async -> SendOutcome {
        let clock = ContinuousClock()
        let start = clock.now
        let progress = SendProgress()
        let result = await withTaskGroup(of: Exchange?.self) { group in
            group.addTask { await self.exchange(request, progress) }
            group.addTask {
                try? await clock.sleep(until: start.advanced(by: request.deadline))
                return nil
            }
            defer { group.cancelAll() }
            // The sleep also ends when this task is cancelled.
            if let ended = await group.next() ?? nil { return ended }
            return .failure(Task.isCancelled ? .cancelled : progress.timeout)
        }
        // Whatever step it had come to: without a body, nothing tells whether a connection stood.
        if case .failure = result, progress.status == nil, let endpoint = progress.endpoint, endpoint.scheme == .https {
            stuck.suspect(endpoint.peer)
        }
        return SendOutcome(result: result, duration: clock.now - start)
    }

    /// Closes every connection; what is still under way ends with `.cancelled`. Call it once, last. Takes a second at most:
    /// a connection that is being made may take longer to give up, and ends with the process.
    package func shutdown() async {
        let (ended, continuation) = AsyncStream<Void>.makeStream()
        stuck.end(Set(clients.endpoints.map(\.peer)))
        Task.detached { [clients] in
            await clients.shutdown()
            continuation.finish()
        }
        Task.detached {
            try? await Task.sleep(for: .seconds(1))
            continuation.finish()
        }
        for await _ in ended {}
    }
}
