import Foundation
import GRDB
import Testing

/// A folder with a database file of one test's own, and the programs that work on it.
final class Workplace: Sendable {
    let folder: URL
    let database: String

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "tallyd-crash-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        database = folder.appending(path: "usage.db").path
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }

    /// With a database of the present schema, made by the program itself.
    static func migrated() async throws -> Workplace {
        let place = try Workplace()
        let migration = try await place.tallyd("migrate")
        try #require(migration.status == 0, "\(migration.errors)")
        return place
    }

    /// A rollup as often as the settings allow, so that a short test sees many.
    static let hurried = ["TALLYD_ROLLUP_INTERVAL": "1s", "TALLYD_ROLLUP_SPACING": "100ms"]

    /// `tallyd run` on the database.
    ///
    /// - Parameter ulimit: words for the shell's ulimit, under whose limits it runs.
    func daemon(_ variables: [String: String] = hurried, ulimit: String) throws -> Child {
        let environment = Self.inherited.merging(variables) { _, given in given }
        // The shell becomes the program, so the process is the same.
        return try Child(
            "/bin/sh",
            [
                "-c", "ulimit \(ulimit) && exec \"$0\" run --database \"$1\"", try Binary.tallyd.path, database,
            ], variables: environment)
    }

    /// `tallyd run` on the database.
    func daemon(
        _ variables: [String: String] = hurried, heard: @escaping @Sendable (pid_t, Child.Event) -> Void = { _, _ in }
    ) throws -> Child {
        try start(.tallyd, ["run", "--database", database], variables, heard: heard)
    }

    /// A gateway that writes, corrects and removes rows until it is stopped.
    func gateway() throws -> Child {
        try start(
            .gateway,
            [
                "write", "--database", database, "--rate", "300", "--late-percent", "5", "--update-percent", "20",
                "--delete-percent", "5", "--busy-timeout", "2000", "--quiet",
                // Far longer than any test, and yet an end: should the test itself crash, nobody else would stop it.
                "--seconds", "1800",
            ])
    }

    /// A command of tallyd's, run to its end on the database.
    func tallyd(_ words: String..., variables: [String: String] = [:]) async throws -> Finished {
        try await finish(.tallyd, words + ["--database", database], variables)
    }

    func finish(
        _ binary: Binary, _ arguments: [String], _ variables: [String: String] = [:], in folder: URL? = nil
    ) async throws -> Finished {
        let child = try start(binary, arguments, variables, in: folder)
        let ending = try #require(
            await child.ending(within: .seconds(120)), "\(arguments) does not end: \(child.errors)")
        return Finished(ending: ending, output: child.output, errors: child.errors)
    }

    func start(
        _ binary: Binary, _ arguments: [String], _ variables: [String: String] = [:], in folder: URL? = nil,
        heard: @escaping @Sendable (pid_t, Child.Event) -> Void = { _, _ in }
    ) throws -> Child {
        let environment = Self.inherited.merging(variables) { _, given in given }
        let path = try binary.path
        guard let folder else { return try Child(path, arguments, variables: environment, heard: heard) }
        // Glibc's module has no posix_spawn_file_actions_addchdir_np; env becomes the program, so the process is the
        // same.
        return try Child("/usr/bin/env", ["-C", folder.path, path] + arguments, variables: environment, heard: heard)
    }

    /// What a manager or a caller of the tests has set is none of a child's business.
    private static var inherited: [String: String] {
        let foreign = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "JOURNAL_STREAM", "LISTEN_PID", "LISTEN_FDS"]
        return ProcessInfo.processInfo.environment.filter { name, _ in
            !name.hasPrefix("TALLYD_") && !foreign.contains(name)
        }
    }

    /// A connection that belongs to no program under test.
    func connect() throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        return try DatabaseQueue(path: database, configuration: configuration)
    }

    /// Asks the database over a connection of its own.
    func read<T>(_ question: (Database) throws -> T) throws -> T {
        try connect().read(question)
    }

    /// Stops a process at a moment when it does not hold the database's write lock: that one would stay held, and keep everybody out.
    func freeze(_ child: Child) async throws {
        for _ in 0..<100 {
            child.send(SIGSTOP)
            // The signal has arrived by then.
            try await Task.sleep(for: .milliseconds(20))
            do {
                return try await connect().writeWithoutTransaction { db in
                    try db.execute(sql: "PRAGMA busy_timeout = 500")
                    try db.execute(sql: "BEGIN IMMEDIATE")
                    try db.execute(sql: "ROLLBACK")
                }
            } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
                child.send(SIGCONT)
                try await Task.sleep(for: .milliseconds(7))
            }
        }
        throw Stuck()
    }

    /// A hundred stops, and each met the lock.
    struct Stuck: Error {}

    /// Changes the database as somebody else would.
    func execute(_ sql: String) throws {
        try connect().writeWithoutTransaction { db in try db.execute(sql: sql) }
    }
}
