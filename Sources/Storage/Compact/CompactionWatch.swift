import Dispatch
import GRDB
import Synchronization

/// Looks ten times a second whether a rewrite is to stop, and interrupts the statement in hand if so; and says how far it is.
///
/// Again and again, since sqlite3_interrupt does nothing to a statement that begins right after it (sqlite.org/c3ref/interrupt.html).
final class CompactionWatch: Sendable {
    private struct State {
        var working: DatabaseQueue?
        var tell: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())
    // Set once and never changed; the type just isn't declared Sendable on Linux.
    nonisolated(unsafe) private let timer: any DispatchSourceTimer

    init(shouldStop: @escaping @Sendable () -> Bool) {
        timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "tallyd.compact"))
        timer.schedule(deadline: .now(), repeating: .milliseconds(100))
        timer.setEventHandler { [weak self] in
            self?.state.withLock { state in
                state.tell?()
                // Under the lock, so that the connection is not closed meanwhile.
                if shouldStop() { state.working?.interrupt() }
            }
        }
        timer.activate()
    }

    deinit {
        timer.cancel()
    }

    /// Runs work that may be interrupted at any time.
    ///
    /// - Parameter tell: called every tenth of a second meanwhile.
    func interruptibly<T>(
        _ queue: DatabaseQueue, tell: @escaping @Sendable () -> Void, _ work: (Database) throws -> T
    ) throws -> T {
        state.withLock { $0 = State(working: queue, tell: tell) }
        defer { state.withLock { $0 = State() } }
        return try queue.writeWithoutTransaction(work)
    }
}
