package import Foundation

/// Starts a program, with every signal at its default: a test run in the background may have inherited an ignored SIGINT.
///
/// Tests start no process through Foundation's own `Process`. Up to Swift 6.3 its `run()` copies the whole of a
/// `struct dirent` whose record readdir(3) made shorter, and where that record ends its page, the test process is gone
/// (swift-corelibs-foundation, pull request 5472). Two of our full runs ended so.
///
/// - Parameters:
///   - program: a path, or a name that is looked for in PATH.
///   - variables: the program's whole environment.
///   - input: nil for nothing on standard input.
package func spawn(
    _ program: String, _ arguments: [String], _ variables: [String: String], input: Int32? = nil, output: Int32,
    error: Int32
) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if let input {
        posix_spawn_file_actions_adddup2(&actions, input, 0)
    } else {
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    }
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
    let code = posix_spawnp(&process, program, &actions, &attributes, words, environment)
    guard code == 0 else { throw SystemFailure("start \(program)", code: code) }
    return process
}
