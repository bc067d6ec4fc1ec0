import Synchronization
import Webhooks

/// The machine's addresses, read again now and then.
final class OwnAddressCache: Sendable {
    private let state: Mutex<(addresses: Set<IPAddress>, until: ContinuousClock.Instant)>
    private let every: Duration

    init(every: Duration) {
        self.every = every
        state = Mutex((OwnAddresses.read(), .now + every))
    }

    var current: Set<IPAddress> {
        state.withLock { state in
            if ContinuousClock.now >= state.until { state = (OwnAddresses.read(), .now + every) }
            return state.addresses
        }
    }
}
