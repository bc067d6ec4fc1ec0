import CSpawn
import Foundation

/// A program that runs in a process group of its own, with nothing of ours but what it was given: /dev/null as input and output, a pipe of
/// ours as standard error, no other descriptor, and every signal at its default.
///
/// Not Foundation's Process: up to Swift 6.3 its `run()` reads past the end of a directory entry (swift-corelibs-foundation, pull request 5472).
final class ChildProgram {
    /// How it ended.
    enum Ending: Equatable {
        case status(Int32)
        case signal(Int32)
    }

    private let process: pid_t
    private var errors: Int32
    private var tail: [UInt8] = []
    private var ending: Ending?

    /// What is kept of its standard error: the end of it.
    private static let tailBytes = 4_096

    /// - Parameters:
    ///   - words: its path, and its arguments.
    ///   - variables: its whole environment.
    /// - Throws: `POSIXError`.
    init(_ words: [String], _ variables: [String: String]) throws {
        // Inherited as ignored, it would have the kernel reap the program, and how it ended would not be known (wait(2), Notes).
        signal(SIGCHLD, SIG_DFL)
        var ends: [Int32] = [-1, -1]
        guard cspawn_pipe(&ends) == 0 else { throw Self.failure(errno) }
        defer { close(ends[1]) }
        // A program that says nothing, or too much, never keeps us waiting.
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        do {
            process = try Self.spawn(words, variables, errors: ends[1])
        } catch {
            close(ends[0])
            throw error
        }
        errors = ends[0]
    }

    deinit {
        close(errors)
    }

    private static func spawn(_ words: [String], _ variables: [String: String], errors: Int32) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO)
        cspawn_close_from(&actions, STDERR_FILENO + 1)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))

        let arguments = words.map { strdup($0) } + [nil]
        let environment = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer {
            for pointer in arguments + environment { free(pointer) }
        }
        var process: pid_t = 0
        let code = posix_spawn(&process, words.first ?? "", &actions, &attributes, arguments, environment)
        guard code == 0 else { throw failure(code) }
        return process
    }

    private static func failure(_ code: Int32) -> POSIXError { POSIXError(POSIXErrorCode(rawValue: code) ?? .EIO) }

    /// Whether it has ended. What then is left of its group is killed: nothing of it outlives it.
    func look() -> Ending? {
        if let ending { return ending }
        readErrors()
        var information = siginfo_t()
        // Without reaping it: as long as it is a zombie, its group's number is nobody else's.
        let code = waitid(P_PID, id_t(process), &information, WEXITED | WNOHANG | WNOWAIT)
        guard code == 0, information.si_signo == SIGCHLD else { return nil }
        kill(-process, SIGKILL)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        readErrors()
        // wait(2): the low seven bits are the signal, 0 where there was none; the next byte is the exit status.
        let end: Ending = status & 0x7F == 0 ? .status((status >> 8) & 0xFF) : .signal(status & 0x7F)
        ending = end
        return end
    }

    /// To its whole group.
    func send(_ signal: Int32) {
        if ending == nil { kill(-process, signal) }
    }

    private func readErrors() {
        var room = [UInt8](repeating: 0, count: Self.tailBytes)
        // A pipe holds 64 KiB; a program that goes on writing is read at the next look.
        for _ in 0..<64 {
            let count = read(errors, &room, room.count)
            guard count > 0 else { return }
            tail = (tail + room[..<count]).suffix(Self.tailBytes)
        }
    }

    /// The last line that it wrote to standard error and that is not empty, without control characters and cut to something readable.
    var lastLine: String? {
        let lines = String(decoding: tail, as: UTF8.self).split(whereSeparator: \.isNewline).map { line in
            String(String.UnicodeScalarView(line.unicodeScalars.filter { $0.properties.generalCategory != .control }))
                .trimmingCharacters(in: .whitespaces)
        }
        return lines.last { !$0.isEmpty }.map { $0.count > 300 ? $0.prefix(300) + "…" : $0 }
    }
}
