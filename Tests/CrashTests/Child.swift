import Foundation
import TestSupport

/// A process that a test started. It is killed, by its id, when the test forgets it.
final class Child: Sendable {
    enum Event: Hashable, Sendable {
        /// A line of standard output.
        case output(String)
        /// A line of standard error.
        case error(String)
        /// Always the last.
        case ended(Ending)
    }

    enum Ending: Hashable, Sendable {
        case exited(Int32)
        case killed(signal: Int32)
    }

    let process: pid_t
    let events = EventLog<Event>()
    private let guardian: Guardian

    /// - Parameters:
    ///   - variables: the child's whole environment.
    ///   - heard: told of each event as it comes, on a thread of the child's own, for whoever watches several children.
    init(
        _ program: String, _ arguments: [String], variables: [String: String],
        heard: @escaping @Sendable (pid_t, Event) -> Void = { _, _ in }
    ) throws {
        let output = try ChildPipe()
        let error = try ChildPipe()
        process = try spawn(program, arguments, variables, output: output.inlet, error: error.inlet)
        guardian = Guardian(process)
        output.closeInlet()
        error.closeInlet()
        let (guardian, process) = (guardian, process)
        let note: @Sendable (Event) -> Void = { [events] event in
            events.append(event)
            heard(process, event)
        }
        // A thread of its own: it blocks, and the tests' pool has as many threads as the machine has cores.
        Thread {
            let outputLines = LineReader(output) { note(.output($0)) }
            let errorLines = LineReader(error) { note(.error($0)) }
            LineReader.readToEnd([outputLines, errorLines])
            note(.ended(guardian.awaitEnd()))
        }.start()
    }

    deinit {
        guardian.send(SIGKILL)
    }

    var output: String { text { if case .output(let line) = $0 { line } else { nil } } }
    var errors: String { text { if case .error(let line) = $0 { line } else { nil } } }

    private func text(_ line: (Event) -> String?) -> String {
        events.all.compactMap(line).joined(separator: "\n")
    }

    func send(_ signal: Int32) {
        guardian.send(signal)
    }

    /// How it ended; nil when it runs on for longer than this.
    func ending(within limit: Duration) async -> Ending? {
        guard
            case .ended(let ending) = await events.first(
                within: limit, where: { if case .ended = $0 { true } else { false } })
        else { return nil }
        return ending
    }

    /// True when its standard error has a line with this text, or gets one in time.
    func says(_ text: String, within limit: Duration = .seconds(20)) async -> Bool {
        let found = await events.first(within: limit) { event in
            switch event {
            case .error(let line): line.contains(text)
            case .ended: true
            case .output: false
            }
        }
        guard case .error = found else { return false }
        return true
    }
}
