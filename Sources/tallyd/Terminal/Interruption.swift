import Dispatch
import Foundation
import Synchronization

/// A command was asked to stop, and did so between two bites.
struct Interrupted: Error, CustomStringConvertible {
    let signal: Int32
    /// How things stand now.
    var standing = "what was committed stays right, and the same command goes on from there"

    var description: String { "stopped; \(standing)" }
}

/// SIGINT and SIGTERM as a question that long work asks between two bites. A second one ends the process at once, which SQLite survives too.
final class Interruption: Sendable {
    private struct State {
        var signal: Int32?
        var cancel: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())
    // Set once, and a dispatch source may be used from any thread; the type just isn't declared Sendable on Linux.
    nonisolated(unsafe) private let sources: [any DispatchSourceSignal]

    init() {
        let queue = DispatchQueue(label: "tallyd.signals")
        sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)  // the default would end the process before the source hears of it
            return DispatchSource.makeSignalSource(signal: number, queue: queue)
        }
        for (source, number) in zip(sources, [SIGINT, SIGTERM]) {
            source.setEventHandler { [weak self] in self?.note(number) }
            source.activate()
        }
    }

    deinit {
        for source in sources { source.cancel() }
        for number in [SIGINT, SIGTERM] { signal(number, SIG_DFL) }
    }

    /// True once a stop was asked for.
    var isRaised: Bool { state.withLock { $0.signal != nil } }

    /// - Throws: `Interrupted` once a stop was asked for.
    func check() throws {
        if let signal = state.withLock({ $0.signal }) { throw Interrupted(signal: signal) }
    }

    /// For work that noticed the stop by itself.
    func stopped(_ standing: String) -> Interrupted {
        Interrupted(signal: state.withLock { $0.signal } ?? SIGINT, standing: standing)
    }

    /// Waits in steps short enough to notice a stop at once.
    func pause(_ duration: Duration) async throws {
        var left = duration
        let step = Duration.milliseconds(50)
        while left > .zero {
            try check()
            try await Task.sleep(for: min(step, left))
            left -= step
        }
        try check()
    }

    /// Runs work that notices the cancellation of its task, and cancels it when a stop is asked for.
    func cancelling<T: Sendable>(_ work: @escaping @Sendable () async throws -> T) async throws -> T {
        let task = Task { try await work() }
        let isLate = state.withLock { state in
            state.cancel = { task.cancel() }
            return state.signal != nil
        }
        if isLate { task.cancel() }
        defer { state.withLock { $0.cancel = nil } }
        do {
            return try await task.value
        } catch is CancellationError {
            try check()
            throw CancellationError()
        }
    }

    private func note(_ number: Int32) {
        let (isSecond, cancel) = state.withLock { state in
            defer { state.signal = number }
            return (state.signal != nil, state.cancel)
        }
        if isSecond {
            signal(number, SIG_DFL)
            kill(getpid(), number)
        }
        cancel?()
    }
}
