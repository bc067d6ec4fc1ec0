import Dispatch
import Foundation
import Synchronization

/// Lets connections in, a limited number at once, and sends everybody home when it shuts.
final class ControlDoor: Sendable {
    /// The descriptors of accepted connections. Each has to `leave`.
    let connections: AsyncStream<Int32>

    private struct State {
        var inside: Set<Int32> = []
        /// Whether the source is suspended, as the room is full or the process has no descriptor left.
        var isFull = false
        var isShut = false
    }

    private let listener: ControlListener
    private let limit: Int
    private let continuation: AsyncStream<Int32>.Continuation
    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "tallyd.door")
    // Set once, and a dispatch source may be used from any thread; the type just isn't declared Sendable on Linux.
    nonisolated(unsafe) private let source: any DispatchSourceRead

    init(_ listener: ControlListener, limit: Int) {
        self.listener = listener
        self.limit = limit
        (connections, continuation) = AsyncStream.makeStream()
        source = DispatchSource.makeReadSource(fileDescriptor: listener.descriptor, queue: queue)
        source.setEventHandler { [weak self] in self?.admit() }
        // The listener, and with it the descriptor, stays until the source has let go of it.
        source.setCancelHandler { withExtendedLifetime(listener) {} }
        source.activate()
    }

    deinit {
        shut()
    }

    /// The connection has been served: closes it.
    func leave(_ connection: Int32) {
        state.withLock { state in
            state.inside.remove(connection)
            close(connection)
        }
        reopen()
    }

    private func reopen() {
        state.withLock { state in
            guard state.isFull, !state.isShut else { return }
            state.isFull = false
            source.resume()
        }
    }

    /// Takes nobody in any more. Those inside read the end of their connection at once, and may still be answered.
    func shut() {
        state.withLock { state in
            guard !state.isShut else { return }
            state.isShut = true
            listener.remove()
            for connection in state.inside { shutdown(connection, Int32(SHUT_RD)) }
            // A suspended source can't be released.
            if state.isFull { source.resume() }
            source.cancel()
        }
        continuation.finish()
    }

    private func admit() {
        // Handed on without the lock: that resumes whoever waits for it, whose task's own lock is held by a canceller who shuts the door.
        for connection in accepted() {
            if case .terminated = continuation.yield(connection) { leave(connection) }
        }
    }

    private func accepted() -> [Int32] {
        state.withLock { state in
            var accepted: [Int32] = []
            while !state.isShut, !state.isFull {
                let connection = accept(listener.descriptor, nil, nil)
                guard connection >= 0 else {
                    // Nobody is waiting, or this one has gone: the source says when to try again. Where descriptors are short it would say so all the time.
                    if [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(errno) {
                        state.isFull = true
                        source.suspend()
                        queue.asyncAfter(deadline: .now() + .milliseconds(100)) { [weak self] in self?.reopen() }
                    }
                    break
                }
                _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
                state.inside.insert(connection)
                accepted.append(connection)
                if state.inside.count >= limit {
                    state.isFull = true
                    source.suspend()
                }
            }
            return accepted
        }
    }
}
