import Synchronization

/// Says once that it is the first time.
final class FirstTime: Sendable {
    private let isOver = Atomic(false)

    func isNow() -> Bool { !isOver.exchange(true, ordering: .relaxed) }
}
