import Dispatch
package import Logging
import Synchronization

/// Holds down floods of warnings and errors in the logs of one process, and says how many lines it held.
///
/// A job that fails at every try must not fill the journal, whose own limit would then drop lines of all kinds.
package final class FloodControl: Sendable {
    private struct State {
        var gate: FloodGate
        /// A handler of each kind that has lines held, to report through.
        var speakers: [FloodGate.Kind: any LogHandler] = [:]
        var isTimerSet = false
    }

    private let state: Mutex<State>
    private let subjectKey: String
    private let heldFields: Logger.Metadata
    private let monotonic: @Sendable () -> Duration
    private let queue = DispatchQueue(label: "log-flood")

    /// - Parameters:
    ///   - subjectKey: the metadata key by whose value lines are told apart, such as `job`.
    ///   - heldFields: metadata of every report, such as its message id.
    ///   - monotonic: the time by which floods are judged.
    package init(
        gate: FloodGate = FloodGate(), subjectKey: String, heldFields: Logger.Metadata = [:],
        monotonic: @escaping @Sendable () -> Duration
    ) {
        state = Mutex(State(gate: gate))
        self.subjectKey = subjectKey
        self.heldFields = heldFields
        self.monotonic = monotonic
    }

    /// The handler, with its warnings and worse under control. What is below passes always.
    package func wrap(_ handler: any LogHandler) -> any LogHandler { FloodLogHandler(handler, control: self) }

    /// Reports what is still held; for the end of the process.
    package func finish() { report(everything: true) }

    /// Whether the line is to be written now.
    func admits(_ event: LogEvent, through handler: any LogHandler) -> Bool {
        let subject = event.metadata?[subjectKey] ?? handler[metadataKey: subjectKey]
        let kind = FloodGate.Kind(
            level: event.level, message: event.message.description, subject: subject.map { "\($0)" } ?? "")
        let now = monotonic()
        let (passes, lost, delay) = state.withLock { state in
            let (passes, forgotten) = state.gate.admit(kind, at: now)
            let lost = forgotten.compactMap { report in
                state.speakers.removeValue(forKey: report.kind).map { (report, $0) }
            }
            if !passes, state.speakers[kind] == nil { state.speakers[kind] = handler }
            return (passes, lost, Self.delay(&state, now))
        }
        for (report, speaker) in lost { say(report, through: speaker) }
        if let delay { wake(after: delay) }
        return passes
    }

    /// How long until the next report, if no timer is set for it yet.
    private static func delay(_ state: inout State, _ now: Duration) -> Duration? {
        guard !state.isTimerSet, let next = state.gate.nextReport else { return nil }
        state.isTimerSet = true
        return max(.zero, next - now)
    }

    private func wake(after delay: Duration) {
        queue.asyncAfter(deadline: .now() + .nanoseconds(Int(delay.nanoseconds))) { [weak self] in
            self?.report(everything: false)
        }
    }

    private func report(everything: Bool) {
        let now = monotonic()
        let (due, delay) = state.withLock { state in
            if !everything { state.isTimerSet = false }
            let due = state.gate.reports(at: everything ? nil : now).compactMap { report in
                state.speakers.removeValue(forKey: report.kind).map { (report, $0) }
            }
            return (due, Self.delay(&state, now))
        }
        for (report, speaker) in due { say(report, through: speaker) }
        if let delay { wake(after: delay) }
    }

    /// At the level of what was held, and through a handler that wrote such lines, so that its fields are there.
    private func say(_ report: FloodGate.Report, through handler: any LogHandler) {
        var fields = heldFields
        fields["held"] = "\(report.count)"
        fields["held_message"] = "\(report.kind.message)"
        if !report.kind.subject.isEmpty { fields[subjectKey] = "\(report.kind.subject)" }
        handler.log(
            event: LogEvent(
                level: report.kind.level, message: "lines of one kind were held back", metadata: fields, source: nil,
                file: #fileID, function: #function, line: #line))
    }
}
