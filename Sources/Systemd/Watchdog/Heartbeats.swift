import Synchronization

/// All loops that the process promised to keep alive.
package final class Heartbeats: Sendable {
    private let monotonic: @Sendable () -> Duration
    private let all = Mutex<[Heartbeat]>([])

    /// - Parameter monotonic: time since any fixed moment, on a clock that stands still while the machine sleeps
    ///   (`CLOCK_MONOTONIC`): on one that runs on, every loop would be late at the moment of waking.
    package init(monotonic: @escaping @Sendable () -> Duration) {
        self.monotonic = monotonic
    }

    /// Adds a loop; its registration counts as its first beat.
    ///
    /// - Parameter allowedAge: the longest time from one completed cycle to the next, its sleep included.
    package func register(_ name: String, allowedAge: Duration) -> Heartbeat {
        let heartbeat = Heartbeat(name: name, allowedAge: allowedAge, monotonic: monotonic)
        all.withLock { all in
            all.removeAll { $0.lastBeat == nil }
            all.append(heartbeat)
        }
        return heartbeat
    }

    /// The present state of every loop that has not retired, in the order of their registration.
    package func snapshot() -> [Liveness.Loop] {
        all.withLock { $0 }.compactMap { heartbeat in
            heartbeat.lastBeat.map {
                Liveness.Loop(name: heartbeat.name, lastBeat: $0, allowedAge: heartbeat.allowedAge)
            }
        }
    }
}
