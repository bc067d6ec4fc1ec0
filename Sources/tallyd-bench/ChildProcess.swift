import Foundation

/// A finished child process, as the kernel accounts for it.
struct ChildProcess {
    let seconds: Double
    /// The largest resident set, in bytes.
    let peakMemoryBytes: Int64
    let status: Int32
    let output: String

    /// Runs a program to its end, with its standard input from a text.
    static func run(_ program: String, _ arguments: [String], input: String = "", environment: [String: String] = [:])
        throws -> ChildProcess
    {
        let child = try start(program, arguments, input: input, environment: environment)
        return try child.wait()
    }

    /// A child that is still running.
    struct Running {
        let pid: pid_t
        let began: UInt64
        let outputPath: String

        /// Waits for its end.
        func wait() throws -> ChildProcess {
            var status: Int32 = 0
            var usage = rusage()
            guard wait4(pid, &status, 0, &usage) == pid else { throw BenchError("can't wait for process \(pid)") }
            let output = (try? String(contentsOfFile: outputPath, encoding: .utf8)) ?? ""
            try? FileManager.default.removeItem(atPath: outputPath)
            return ChildProcess(
                seconds: Double(monotonicNanoseconds() - began) / 1e9, peakMemoryBytes: Int64(usage.ru_maxrss) * 1_024,
                status: status & 0x7f == 0 ? (status >> 8) & 0xff : -1, output: output)
        }

        func interrupt() { kill(pid, SIGTERM) }

        /// Does the work while this one runs, and ends it afterwards, also when the work fails.
        func beside<T>(_ work: () async throws -> T) async throws -> T {
            let result: T
            do {
                result = try await work()
            } catch {
                interrupt()
                _ = try? wait()
                throw error
            }
            interrupt()
            let ended = try wait()
            guard ended.status == 0 else {
                throw BenchError("process \(pid), asked to end, ended with \(ended.status)\n\(ended.output)")
            }
            return result
        }
    }

    static func start(
        _ program: String, _ arguments: [String], input: String = "", environment: [String: String] = [:]
    ) throws -> Running {
        let folder = FileManager.default.temporaryDirectory
        let inputPath = folder.appending(path: "bench-in-\(UUID().uuidString)").path
        let outputPath = folder.appending(path: "bench-out-\(UUID().uuidString)").path
        try input.write(toFile: inputPath, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: inputPath) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, inputPath, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, outputPath, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        var inherited = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("TALLYD_") }
        inherited.merge(environment) { _, new in new }
        let words = ([program] + arguments).map { strdup($0) } + [nil]
        let variables = inherited.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer {
            for pointer in words + variables { free(pointer) }
        }
        var pid: pid_t = 0
        let began = monotonicNanoseconds()
        let code = posix_spawnp(&pid, program, &actions, nil, words, variables)
        guard code == 0 else { throw BenchError("can't start \(program): \(String(cString: strerror(code)))") }
        return Running(pid: pid, began: began, outputPath: outputPath)
    }
}

struct BenchError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
