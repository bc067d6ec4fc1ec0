import AsyncHTTPClient
import NIOSSL
import Synchronization
import Webhooks

/// The clients of all endpoints that are in use, and of those that were a moment ago.
///
/// A name that resolves to another address leads to another client. The old one is not used again; its connections close
/// when they have been idle, and it goes with the next sweep.
final class PinnedClients: Sendable {
    private struct Entry {
        let client: PinnedClient
        var users = 0
        var lastUse: ContinuousClock.Instant
    }

    private struct State {
        var entries: [PinnedEndpoint: Entry] = [:]
        var idle = 0
        /// Those that are used no more but by who has them.
        var outdated: [ObjectIdentifier: Entry] = [:]
        var lastSweep: ContinuousClock.Instant
        var isShutDown = false
    }

    private let state = Mutex(State(lastSweep: .now))
    private let configuration: WebhookClient.Configuration
    private let make: @Sendable (PinnedEndpoint, _ offersHTTP2: Bool) -> PinnedClient

    init(
        _ configuration: WebhookClient.Configuration, _ tls: TLSConfiguration, _ stuck: StuckConnections,
        policy: @escaping @Sendable () -> AddressPolicy
    ) {
        self.configuration = configuration
        make = { PinnedClient($0, offersHTTP2: $1, configuration, tls, stuck, policy: policy) }
    }

    var isShutDown: Bool { state.withLock { $0.isShutDown } }

    var count: Int { state.withLock { $0.entries.count + $0.outdated.count } }

    /// Nil once all was shut down. Whoever takes one gives it back.
    func take(_ endpoint: PinnedEndpoint, at now: ContinuousClock.Instant = .now) -> PinnedClient? {
        let (taken, superfluous) = state.withLock { state -> (PinnedClient?, PinnedClient?) in
            guard !state.isShutDown else { return (nil, nil) }
            var superfluous: PinnedClient?
            var offersHTTP2 = endpoint.scheme == .https && configuration.offersHTTP2
            if let former = state.entries[endpoint] {
                let isOutdated = former.client.isOutdated
                // Its connections have closed. A new one asks anew for what the peer speaks.
                let isOld = former.users == 0 && now - former.lastUse > configuration.idleTimeout
                if isOutdated || isOld { superfluous = setAside(former, of: endpoint, &state) }
                if isOutdated { offersHTTP2 = false }
            }
            var entry = state.entries[endpoint] ?? Entry(client: make(endpoint, offersHTTP2), lastUse: now)
            if entry.users == 0, state.entries[endpoint] != nil { state.idle -= 1 }
            entry.users += 1
            state.entries[endpoint] = entry
            return (entry.client, superfluous)
        }
        superfluous?.http.shutdown { _ in }
        return taken
    }

    /// Makes room for another client of the endpoint.
    ///
    /// - Returns: the former, if nobody has it.
    private func setAside(_ former: Entry, of endpoint: PinnedEndpoint, _ state: inout State) -> PinnedClient? {
        state.entries[endpoint] = nil
        guard former.users == 0 else {
            state.outdated[ObjectIdentifier(former.client)] = former
            return nil
        }
        state.idle -= 1
        return former.client
    }

    func giveBack(_ client: PinnedClient, of endpoint: PinnedEndpoint, at now: ContinuousClock.Instant = .now) {
        let superfluous = state.withLock { state -> [PinnedClient] in
            if var entry = state.entries[endpoint], entry.client === client {
                entry.users -= 1
                entry.lastUse = now
                state.entries[endpoint] = entry
                guard entry.users == 0 else { return [] }
                state.idle += 1
                return sweep(&state, at: now)
            }
            guard var entry = state.outdated.removeValue(forKey: ObjectIdentifier(client)) else { return [] }
            entry.users -= 1
            if entry.users == 0 { return [client] }
            state.outdated[ObjectIdentifier(client)] = entry
            return []
        }
        // Without waiting: they have no request under way, and closing connections takes a turn of the event loop each.
        for client in superfluous { client.http.shutdown { _ in } }
    }

    /// Looks at all, so it waits until a quarter too many are idle, or for a second.
    private func sweep(_ state: inout State, at now: ContinuousClock.Instant) -> [PinnedClient] {
        let most = configuration.mostIdle
        guard state.idle > most + most / 4 || now - state.lastSweep >= .seconds(1) else { return [] }
        state.lastSweep = now
        let idle = state.entries.filter { $0.value.users == 0 }.sorted { $0.value.lastUse > $1.value.lastUse }
        let old = idle.dropFirst(most) + idle.prefix(most).filter { now - $0.value.lastUse > configuration.idleTimeout }
        for (endpoint, _) in old { state.entries[endpoint] = nil }
        state.idle -= old.count
        return old.map(\.value.client)
    }

    var endpoints: [PinnedEndpoint] { state.withLock { Array($0.entries.keys) } }

    func shutdown() async {
        let clients = state.withLock { state in
            state.isShutDown = true
            defer { (state.entries, state.outdated) = ([:], [:]) }
            return (Array(state.entries.values) + state.outdated.values).map(\.client.http)
        }
        await withTaskGroup { group in
            for client in clients {
                // It fails where it was shut down before, which is what is wanted.
                group.addTask { try? await client.shutdown() }
            }
        }
    }
}
