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
        let client: HTTPClient
        var users = 0
        var lastUse: ContinuousClock.Instant
    }

    private struct State {
        var entries: [PinnedEndpoint: Entry] = [:]
        var idle = 0
        var lastSweep: ContinuousClock.Instant
        var isShutDown = false
    }

    private let state = Mutex(State(lastSweep: .now))
    private let configuration: WebhookClient.Configuration
    private let make: @Sendable (PinnedEndpoint) -> HTTPClient

    init(
        _ configuration: WebhookClient.Configuration, _ tls: TLSConfiguration, _ stuck: StuckConnections,
        policy: @escaping @Sendable () -> AddressPolicy
    ) {
        self.configuration = configuration
        make = { $0.client(configuration, tls, stuck, policy: policy) }
    }

    var count: Int { state.withLock { $0.entries.count } }

    /// Nil once all was shut down. Whoever takes one gives it back.
    func take(_ endpoint: PinnedEndpoint) -> HTTPClient? {
        state.withLock { state in
            guard !state.isShutDown else { return nil }
            var entry = state.entries[endpoint] ?? Entry(client: make(endpoint), lastUse: .now)
            if entry.users == 0, state.entries[endpoint] != nil { state.idle -= 1 }
            entry.users += 1
            state.entries[endpoint] = entry
            return entry.client
        }
    }

    func giveBack(_ endpoint: PinnedEndpoint, at now: ContinuousClock.Instant = .now) {
        let superfluous = state.withLock { state -> [HTTPClient] in
            guard var entry = state.entries[endpoint] else { return [] }
            entry.users -= 1
            entry.lastUse = now
            state.entries[endpoint] = entry
            guard entry.users == 0 else { return [] }
            state.idle += 1
            return sweep(&state, at: now)
        }
        // Without waiting: they have no request under way, and closing connections takes a turn of the event loop each.
        for client in superfluous { client.shutdown { _ in } }
    }

    /// Looks at all, so it waits until a quarter too many are idle, or for a second.
    private func sweep(_ state: inout State, at now: ContinuousClock.Instant) -> [HTTPClient] {
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
            defer { state.entries = [:] }
            return state.entries.values.map(\.client)
        }
        await withTaskGroup { group in
            for client in clients {
                // It fails where it was shut down before, which is what is wanted.
                group.addTask { try? await client.shutdown() }
            }
        }
    }
}
