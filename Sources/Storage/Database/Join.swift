import Synchronization

/// Waits for several pieces of work on different queues and tells once how all of them ended: with the first failure, if there was one.
final class Join: Sendable {
    private let state: Mutex<(missing: Int, failure: (any Error)?)>
    private let tell: @Sendable (Result<Void, any Error>) -> Void

    init(of count: Int, _ tell: @escaping @Sendable (Result<Void, any Error>) -> Void) {
        state = Mutex((count, nil))
        self.tell = tell
    }

    func done(_ result: Result<Void, any Error>) {
        let end: Result<Void, any Error>? = state.withLock { state in
            state.missing -= 1
            if case .failure(let error) = result, state.failure == nil { state.failure = error }
            guard state.missing == 0 else { return nil }
            return state.failure.map { .failure($0) } ?? .success(())
        }
        if let end { tell(end) }
    }
}
