import NIOCore
import Synchronization

/// How far a message has come: what a deadline that passes is told as.
final class SendProgress: Sendable {
    enum Step: Sendable {
        case resolving, connecting, waiting
        case reading(status: Int)
    }

    private let current = Mutex<(step: Step, endpoint: PinnedEndpoint?)>((.resolving, nil))

    var step: Step { current.withLock { $0.step } }
    /// The last that was connected to, or tried.
    var endpoint: PinnedEndpoint? { current.withLock { $0.endpoint } }

    func reach(_ step: Step) {
        current.withLock { $0.step = step }
    }

    func connect(to endpoint: PinnedEndpoint) {
        current.withLock { $0 = (.connecting, endpoint) }
    }

    var status: Int? {
        if case .reading(let status) = step { status } else { nil }
    }

    var timeout: SendFailure {
        switch step {
        case .resolving: .resolveTimeout
        case .connecting: .connectTimeout
        case .waiting: .timeout(status: nil)
        case .reading(let status): .timeout(status: status)
        }
    }
}

/// A request's body in one piece, which tells when it is asked for. That is when a connection stands and the request's head
/// was written; the client has no other word for it.
struct WatchedBody: AsyncSequence, Sendable {
    let bytes: ByteBuffer
    let progress: SendProgress

    struct AsyncIterator: AsyncIteratorProtocol {
        var bytes: ByteBuffer?
        let progress: SendProgress

        mutating func next() async -> ByteBuffer? {
            guard let bytes else { return nil }
            progress.reach(.waiting)
            self.bytes = nil
            return bytes
        }
    }

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(bytes: bytes, progress: progress)
    }
}
