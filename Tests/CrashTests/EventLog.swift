import Dispatch
import Synchronization

/// What has happened, in order, and a way to wait for what has not happened yet.
final class EventLog<Event: Sendable>: Sendable {
    private struct Watcher {
        let isWanted: @Sendable (Event) -> Bool
        let continuation: CheckedContinuation<Event?, Never>
    }

    private struct State {
        var events: [Event] = []
        var watchers: [Int: Watcher] = [:]
        var watched = 0
    }

    private let state = Mutex(State())

    var all: [Event] { state.withLock { $0.events } }

    func append(_ event: Event) {
        let woken = state.withLock { state in
            state.events.append(event)
            let ids = state.watchers.filter { $0.value.isWanted(event) }.keys
            return ids.compactMap { state.watchers.removeValue(forKey: $0)?.continuation }
        }
        for continuation in woken { continuation.resume(returning: event) }
    }

    /// The first event that is wanted, after so many that are of no interest; nil when none comes in time.
    func first(
        after skipped: Int = 0, within limit: Duration, where isWanted: @escaping @Sendable (Event) -> Bool
    ) async -> Event? {
        await withCheckedContinuation { continuation in
            let (found, watcher) = state.withLock { state -> (Event?, Int?) in
                if let found = state.events.dropFirst(skipped).first(where: isWanted) { return (found, nil) }
                state.watched += 1
                state.watchers[state.watched] = Watcher(isWanted: isWanted, continuation: continuation)
                return (nil, state.watched)
            }
            guard let watcher else {
                continuation.resume(returning: found)
                return
            }
            let nanoseconds = Int(limit / .nanoseconds(1))
            DispatchQueue.global().asyncAfter(deadline: .now() + .nanoseconds(nanoseconds)) { self.giveUp(watcher) }
        }
    }

    private func giveUp(_ watcher: Int) {
        let late = state.withLock { $0.watchers.removeValue(forKey: watcher)?.continuation }
        late?.resume(returning: nil)
    }
}
