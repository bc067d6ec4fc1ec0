package import Webhooks

/// Sends one message to one endpoint, once, to an address that was judged.
package final class WebhookClient: Sendable {
    package struct Configuration: Sendable {
        /// PEM files: a certificate (its chain after it) and its key, shown to endpoints that ask.
        package var clientCertificate: (chain: String, key: String)?
        /// A PEM file of authorities that are trusted beside the system's.
        package var extraAuthorities: String?
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

    /// - Parameters:
    ///   - policy: asked for each message and each new connection, so that a reload counts from the next one on.
    /// - Throws: `Defect`, for a PEM file that cannot be read.
    package init(
        _ configuration: Configuration = Configuration(), resolver: any HostResolving,
        policy: @escaping @Sendable () -> AddressPolicy
    ) throws(Defect) {
        self.policy = policy
        names = ResolvedNames(resolver, validity: configuration.resolvedFor)
        clients = PinnedClients(configuration, try .deliveries(configuration), policy: policy)
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
        return SendOutcome(result: result, duration: clock.now - start)
    }

    /// Closes every connection; what is still under way ends with `.cancelled`. Call it once, last.
    package func shutdown() async {
        await clients.shutdown()
    }
}
