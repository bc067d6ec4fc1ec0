import Synchronization

@testable import Systemd

/// A manager that remembers what it was told, and lets a test await it.
final class RecordingNotifier: ServiceNotifier {
    private let told = Mutex<[ServiceState]>([])
    private let stream: AsyncStream<ServiceState>
    private let continuation: AsyncStream<ServiceState>.Continuation

    init() {
        (stream, continuation) = AsyncStream.makeStream()
    }

    var states: [ServiceState] { told.withLock { $0 } }

    func notify(_ states: [ServiceState]) {
        told.withLock { $0 += states }
        for state in states { continuation.yield(state) }
    }

    func next() async -> ServiceState? {
        await stream.first { _ in true }
    }
}
