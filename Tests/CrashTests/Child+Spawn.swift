import Foundation

extension Child {
    /// Starts a program with nothing on standard input, and with every signal at its default: a test run in the
    /// background may have inherited an ignored SIGINT.
    static func spawn(
        _ program: String, _ arguments: [String], _ variables: [String: String], output: Int32, error: Int32
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, error, 2)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        let words = ([program] + arguments).map { strdup($0) } + [nil]
        let environment = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer {
            for pointer in words + environment { free(pointer) }
        }
        var process: pid_t = 0
        let code = posix_spawn(&process, program, &actions, &attributes, words, environment)
        guard code == 0 else { throw SystemFailure("start \(program)", code: code) }
        return process
    }
}
