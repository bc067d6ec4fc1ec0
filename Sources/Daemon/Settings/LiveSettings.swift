import Synchronization

/// The settings that hold at present, for everybody who works by them.
///
/// Whoever reads `current` at each use needs nothing more; whoever sleeps by a setting observes, and looks again.
package final class LiveSettings: Sendable {
    /// What `forget` takes.
    package struct Observation: Hashable, Sendable {
        fileprivate let number: Int
    }

    private struct State {
        var settings: Settings
        var observers: [(number: Int, onChange: @Sendable (Settings) -> Void)] = []
        var count = 0
    }

    private let state: Mutex<State>
    /// One replacement at a time, so that observers hear of them in order.
    private let turn = Mutex(())

    package init(_ settings: Settings) {
        state = Mutex(State(settings: settings))
    }

    package var current: Settings { state.withLock { $0.settings } }

    /// From now on these hold. Returns when every observer has heard of them, in the order in which they came.
    package func replace(with settings: Settings) {
        turn.withLock { _ in
            let observers = state.withLock { state in
                state.settings = settings
                return state.observers
            }
            for observer in observers { observer.onChange(settings) }
        }
    }

    /// Calls `onChange` at each replacement, on the thread that replaces: it must not wait, and must not replace.
    ///
    /// - Returns: what `forget` takes; need not be kept by those who live as long as the process.
    @discardableResult
    package func observe(_ onChange: @escaping @Sendable (Settings) -> Void) -> Observation {
        state.withLock { state in
            state.count += 1
            state.observers.append((state.count, onChange))
            return Observation(number: state.count)
        }
    }

    package func forget(_ observation: Observation) {
        state.withLock { $0.observers.removeAll { $0.number == observation.number } }
    }
}
