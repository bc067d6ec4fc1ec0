import Synchronization

/// What waits for the journal: bounded in number and in bytes, so that a journal that stopped reading costs lines and
/// not memory, and never a lane's time.
final class JournalQueue: Sendable {
    private struct State {
        var waiting: [[UInt8]] = []
        /// Waiting, or in the writer's hands.
        var pendingCount = 0
        var pendingBytes = 0
        var dropped = 0
        var isStopped = false
        var flushes: [WakeSignal] = []
    }

    private let state = Mutex(State())
    private let arrival = WakeSignal()
    private let countLimit: Int
    private let byteLimit: Int

    init(countLimit: Int, byteLimit: Int) {
        self.countLimit = countLimit
        self.byteLimit = byteLimit
    }

    /// Takes the datagram, or counts it as dropped when there is no room. Never waits for the journal.
    func put(_ datagram: [UInt8]) {
        let wasEmpty = state.withLock { state in
            let fits = state.pendingCount < countLimit && state.pendingBytes + datagram.count <= byteLimit
            guard fits, !state.isStopped else {
                state.dropped += 1
                return false
            }
            state.pendingCount += 1
            state.pendingBytes += datagram.count
            state.waiting.append(datagram)
            return state.waiting.count == 1
        }
        if wasEmpty { arrival.raise() }
    }

    /// Waits for datagrams and hands over all there are; nil once the queue is stopped and empty.
    func take() -> [[UInt8]]? {
        while true {
            let (batch, isStopped) = state.withLock { state in
                defer { state.waiting = [] }
                return (state.waiting, state.isStopped)
            }
            if !batch.isEmpty { return batch }
            if isStopped { return nil }
            arrival.wait()
        }
    }

    /// The writer is done with one datagram that it took.
    func settle(_ datagram: [UInt8], wasSent: Bool) {
        state.withLock { state in
            state.pendingCount -= 1
            state.pendingBytes -= datagram.count
            if !wasSent { state.dropped += 1 }
            guard state.pendingCount == 0 else { return }
            for flush in state.flushes { flush.raise() }
            state.flushes = []
        }
    }

    /// How many lines were dropped and not yet reported.
    var dropped: Int { state.withLock { $0.dropped } }

    /// The journal has been told of `count` dropped lines.
    func reported(_ count: Int) {
        state.withLock { $0.dropped -= count }
    }

    /// Waits until all that was put is settled.
    ///
    /// - Returns: false when that took longer than `limit`.
    func waitUntilEmpty(within limit: Duration) -> Bool {
        let flush = WakeSignal()
        let isEmpty = state.withLock { state in
            if state.pendingCount > 0 { state.flushes.append(flush) }
            return state.pendingCount == 0
        }
        return isEmpty || flush.wait(atMost: limit)
    }

    var isStopped: Bool { state.withLock { $0.isStopped } }

    /// Takes nothing more; what waits still goes to the writer.
    func stop() {
        state.withLock { $0.isStopped = true }
        arrival.raise()
    }
}
