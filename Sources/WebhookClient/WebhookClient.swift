import AsyncHTTPClient
import NIOCore
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

    let parts: Exchange.Parts

    /// - Parameters:
    ///   - policy: asked for each message and each new connection, so that a reload counts from the next one on.
    /// - Throws: `Defect`, for a PEM file that cannot be read.
    package init(
        _ configuration: Configuration = Configuration(), resolver: any HostResolving,
        policy: @escaping @Sendable () -> AddressPolicy
    ) throws(Defect) {
        // A second on top: the limit of a handshake counts from when the client gets to it.
        let stuck = StuckConnections(grace: configuration.connectTimeout + .seconds(1))
        parts = Exchange.Parts(
            policy: policy, names: ResolvedNames(resolver, validity: configuration.resolvedFor),
            clients: PinnedClients(configuration, try .deliveries(configuration), stuck, policy: policy), stuck: stuck)
    }

    /// Begins to send, and tells once what came of it, whatever goes wrong; nothing is held meanwhile but what comes back.
    ///
    /// - Parameter whenDone: called from any thread, maybe before this returns. Not to take long: other messages wait behind it.
    /// - Returns: for calling it off. Nil where there is nothing to call off.
    @discardableResult
    package func start(_ request: WebhookRequest, whenDone: @escaping @Sendable (SendOutcome) -> Void) -> Exchange? {
        do {
            let exchange = try Exchange(request, parts, since: .now(), whenDone: whenDone)
            exchange.begin()
            return exchange
        } catch {
            whenDone(SendOutcome(result: .failure(SendFailure(error, after: SendProgress())), duration: .zero))
            return nil
        }
    }

    /// Never throws: whatever goes wrong is the outcome. Cancelling the task ends it soon, with `.cancelled`.
    package func send(_ request: WebhookRequest) async -> SendOutcome {
        let promise = HTTPClient.defaultEventLoopGroup.any().makePromise(of: SendOutcome.self)
        let exchange = start(request) { promise.succeed($0) }
        return await withTaskCancellationHandler {
            // It never fails, and waits on where the task is cancelled: `cancel` has its outcome come.
            (try? await promise.futureResult.get())
                ?? SendOutcome(result: .failure(.cancelled), duration: .zero)
        } onCancel: {
            exchange?.cancel()
        }
    }

    /// Closes every connection; what is still under way ends with `.cancelled`. Call it once, last. Takes a second at most:
    /// a connection that is being made may take longer to give up, and ends with the process.
    package func shutdown() async {
        let (ended, continuation) = AsyncStream<Void>.makeStream()
        parts.stuck.end(Set(parts.clients.endpoints.map(\.peer)))
        Task.detached { [parts] in
            await parts.clients.shutdown()
            continuation.finish()
        }
        Task.detached {
            try? await Task.sleep(for: .seconds(1))
            continuation.finish()
        }
        for await _ in ended {}
    }
}
