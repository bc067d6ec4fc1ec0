import Foundation
import Synchronization

/// What daemons' own log lines say of their runs: the ledger has one line a slot, so it could not show that a slot was run twice.
final class RunWitness: Sendable {
    struct Performed: Sendable {
        let job: String
        let slotMilliseconds: Int64
        let process: pid_t
    }

    struct State: Sendable {
        /// Runs that ended well, in the order in which they were heard of.
        var performed: [Performed] = []
        /// Slots of the rollup at which a look found nothing to do.
        var idle: Set<Int64> = []
        /// Runs that daemons found cut when they took over.
        var crashes = 0
        /// Lines of errors.
        var errors: [String] = []
    }

    private let state = Mutex(State())

    var heard: State { state.withLock { $0 } }

    func hear(_ line: String, from process: pid_t) {
        let job = Self.value("job", in: line)
        let slot = Self.value("slot", in: line).flatMap(Self.milliseconds)
        // Date, time, level, and the rest: the message up to two blanks.
        let parts = line.split(separator: " ", maxSplits: 3)
        guard parts.count == 4 else { return }
        let (level, message) = (parts[2], Self.message(parts[3]))
        state.withLock { state in
            if level == "error" || level == "crit" { state.errors.append(line) }
            if message == "found runs that a crash had cut; their jobs go on where they were" {
                state.crashes += Self.value("runs", in: line).flatMap { Int($0) } ?? 0
            }
            guard let job, let slot else { return }
            if message == "nothing to do" {
                if job == "rollup" { state.idle.insert(slot) }
            } else if message == "rolled up" && line.contains(" complete=true ") || message == "ran" {
                state.performed.append(Performed(job: job, slotMilliseconds: slot, process: process))
            }
        }
    }

    private static func message(_ rest: Substring) -> Substring {
        let text = rest.drop { $0 == " " }
        return text[..<(text.firstRange(of: "  ")?.lowerBound ?? text.endIndex)]
    }

    /// Of `name=value` in a log line; none of those asked for here holds a blank.
    private static func value(_ name: String, in line: String) -> String? {
        guard let start = line.range(of: " \(name)=") else { return nil }
        return String(line[start.upperBound...].prefix { $0 != " " })
    }

    private static func milliseconds(_ text: String) -> Int64? {
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        return (try? Date(text, strategy: style)).map { Int64(($0.timeIntervalSince1970 * 1_000).rounded()) }
    }
}
