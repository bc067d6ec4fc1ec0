import Foundation

/// What the kernel says of a process that runs. Looking costs that process nothing.
struct ProcessFigures {
    let pid: pid_t

    /// Of all its threads, those that have ended among them; to the nanosecond, where /proc/PID/stat has hundredths of a second.
    func processorNanoseconds() throws -> UInt64 {
        var clock = clockid_t()
        var time = timespec()
        guard clock_getcpuclockid(pid, &clock) == 0, clock_gettime(clock, &time) == 0 else {
            throw BenchError("process \(pid) has no processor clock")
        }
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// How often each of its threads has gone to sleep of its own accord, by thread id: each time is one wake-up.
    func voluntarySwitches() throws -> [String: Int] {
        var switches: [String: Int] = [:]
        for thread in try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task") {
            // A thread may end between the two looks.
            guard let text = try? text("task/\(thread)/status") else { continue }
            switches[thread] = Self.number("voluntary_ctxt_switches", in: text)
        }
        return switches
    }

    /// Calls of write, pwrite and the like, to anything.
    func writeCalls() throws -> Int { Self.number("syscw", in: try text("io")) ?? 0 }

    /// - Parameters:
    ///   - name: of a line in kibibytes.
    ///   - file: below /proc/PID.
    func memoryBytes(_ name: String, in file: String) throws -> Double {
        guard let kibibytes = Self.number(name, in: try text(file)) else {
            throw BenchError("no \(name) in /proc/\(pid)/\(file)")
        }
        return Double(kibibytes) * 1_024
    }

    private func text(_ file: String) throws -> String {
        try String(contentsOfFile: "/proc/\(pid)/\(file)", encoding: .utf8)
    }

    private static func number(_ name: String, in text: String) -> Int? {
        for line in text.split(separator: "\n") where line.hasPrefix(name + ":") {
            return line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }
        }
        return nil
    }
}
