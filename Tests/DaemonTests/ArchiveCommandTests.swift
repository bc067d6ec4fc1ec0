import Foundation
import Logging
import Scheduling
import Storage
import Synchronization
import TestSupport
import Testing

@testable import Daemon

/// TALLYD_ARCHIVE_COMMAND: how it is read, what it is given, and how it ends. With real processes.
@Suite struct ArchiveCommandTests {
    private let folder: ScratchFolder

    init() throws {
        folder = try ScratchFolder(for: "command")
    }

    // MARK: Reading it

    @Test(arguments: [
        ("/bin/a", ["/bin/a"]), ("  /bin/a  b\tc ", ["/bin/a", "b", "c"]),
        ("/bin/a 'b c' \"d 'e'\"", ["/bin/a", "b c", "d 'e'"]),
        ("/bin/a b'c 'd", ["/bin/a", "bc d"]), ("/bin/a '' \"\"", ["/bin/a", "", ""]),
        (#"/bin/a b\ c \" \\"#, ["/bin/a", "b c", "\"", "\\"]),
        (#"/bin/a 'b\c' "d\"e""#, ["/bin/a", #"b\c"#, "d\"e"]),
        ("/bin/a $HOME *.zst | ; ~ > x", ["/bin/a", "$HOME", "*.zst", "|", ";", "~", ">", "x"]),
        ("'/opt/my tools/a' ü", ["/opt/my tools/a", "ü"]),
    ])
    func `words are split at spaces, and quotes hold them together`(text: String, words: [String]) throws {
        #expect(try ArchiveCommand(text).words == words)
        #expect(try ArchiveCommand(text).description == text)
    }

    @Test(arguments: [
        ("rclone copy", "does not begin with an absolute path; write /usr/bin/rclone and not rclone"),
        ("./a", "does not begin with an absolute path; write /usr/bin/rclone and not rclone"),
        ("'' /bin/a", "does not begin with an absolute path; write /usr/bin/rclone and not rclone"),
        ("/bin/a 'b", #"has a ' that is not closed; close it, or write \'"#),
        ("/bin/a \"b", #"has a " that is not closed; close it, or write \""#),
        (#"/bin/a b\"#, "ends with a backslash that nothing follows; remove it"),
    ])
    func `what is no command is refused with what to write`(text: String, sentence: String) {
        #expect(throws: SettingComplaint(sentence)) { try ArchiveCommand(text) }
    }

    @Test func `a program that is not there, or can't be executed, is an obstacle`() throws {
        let file = folder.path("file")
        #expect(
            try ArchiveCommand(file).obstacle == "there is no file \(file); install it, or write the path where it is")
        #expect(
            try ArchiveCommand(folder.url.path).obstacle
                == "\(folder.url.path) is a folder; write the path of a program")
        _ = FileManager.default.createFile(atPath: file, contents: Data(), attributes: [.posixPermissions: 0o600])
        #expect(try ArchiveCommand(file).obstacle?.hasPrefix("\(file) may not be executed by this user") == true)
        #expect(try ArchiveCommand("/bin/sh -c true").obstacle == nil)
        let settings = try Settings(
            environment: SettingsTests.database.merging([
                "TALLYD_ARCHIVE_DIRECTORY": "/data/archive", "TALLYD_ARCHIVE_COMMAND": "\(file) x",
            ]) { $1 })
        #expect(throws: SettingsError.self) { try settings.checkPrograms() }
    }

    // MARK: Running it

    private static let file = ArchiveHandover.File(
        path: "/data/archive/usage_logs/2026-11-10.2.jsonl.zst", table: "usage_logs", day: .first, part: 2,
        sha256: "c0ffee")

    /// Runs a shell's script, which stands for any program. The shell reads it: a file that was just written can't be executed for as long as another
    /// test's child, between fork and exec, has it open.
    private func run(
        _ script: String, timeout: Duration = .seconds(20), environment: [String: String] = [:],
        _ shouldStop: @escaping @Sendable () -> Bool = { false }
    ) async throws -> ArchiveHandover.Answer {
        let path = folder.path("script")
        try "#!/bin/sh\ncd '\(folder.url.path)'\n\(script)\n".write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
        let run = ArchiveCommandRun(
            command: try ArchiveCommand("/bin/sh '\(path)' one 'two three'"), timeout: timeout,
            environment: environment,
            monotonic: { .nanoseconds(Int64(MonotonicClock.nanoseconds())) },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        return try await run.handover.take(Self.file, shouldStop)
    }

    private func cause(_ script: String, timeout: Duration = .seconds(20)) async throws -> String? {
        do {
            _ = try await run(script, timeout: timeout)
            return nil
        } catch let error as StorageError {
            #expect(error.kind == .archiveFailed && error.subject == Self.file.path)
            return error.cause
        }
    }

    private func written(_ name: String) throws -> [String] {
        try String(contentsOfFile: folder.path(name), encoding: .utf8).split(separator: "\n").map(
            String.init)
    }

    @Test func `it is given the file and little else`() async throws {
        let device = open("/dev/null", O_RDONLY)
        defer { close(device) }
        // Not even one that is not marked to be closed. Far from those that a shell opens for itself: it keeps its former output, /dev/null, at 11.
        let secret = fcntl(device, F_DUPFD, 100)
        defer { close(secret) }
        let environment = ["HOME": "/data", "PATH": "/usr/bin:/bin", "TALLYD_DATABASE": "/data/usage.db", "TOKEN": "x"]
        let answer = try await run(
            """
            printf '%s\\n' "$@" > arguments
            env | grep -v '^\\(PWD\\|OLDPWD\\|SHLVL\\|_\\)=' | sort > variables
            for d in /proc/$$/fd/*; do echo "${d##*/} $(readlink "$d")"; done > descriptors
            sed 's/.*) //' /proc/$$/stat | cut -d' ' -f3 > group
            echo $$ >> group
            """, environment: environment)
        #expect(answer == .taken)
        #expect(try written("arguments") == ["one", "two three", Self.file.path])
        #expect(
            try written("variables") == [
                "HOME=/data", "PATH=/usr/bin:/bin", "TALLYD_ARCHIVE_DAY=0000-01-01", "TALLYD_ARCHIVE_PART=2",
                "TALLYD_ARCHIVE_SHA256=c0ffee", "TALLYD_ARCHIVE_TABLE=usage_logs",
            ])
        let descriptors = try written("descriptors")
        #expect(descriptors.contains("0 /dev/null"))
        #expect(descriptors.contains { $0.hasPrefix("2 pipe:") })
        #expect(!descriptors.contains("\(secret) /dev/null"))
        let group = try written("group")
        #expect(group.count == 2 && group[0] == group[1])
    }

    @Test func `a status other than 0 and a signal are failures, told with its last words`() async throws {
        #expect(try await cause("exit 0") == nil)
        #expect(try await cause("exit 3") == "its command ended with status 3")
        #expect(
            try await cause("echo first >&2; printf 'no \\033[31mroom\\n\\n' >&2; echo out; exit 1")
                == "its command ended with status 1, saying \"no [31mroom\"")
        #expect(try await cause("kill -KILL $$") == "its command was ended by signal 9")
        // 1 MB, of which the end is kept. A look takes in what a pipe holds, and beside a thousand other tests looks may come seconds apart.
        let long = try await cause(
            "yes 'a long line of nothing' | head -c 1000000 >&2; echo >&2; echo the end >&2; exit 2",
            timeout: .seconds(300))
        #expect(long == "its command ended with status 2, saying \"the end\"")
    }

    @Test func `a program that can't be started is a failure`() async throws {
        let run = ArchiveCommandRun(
            command: try ArchiveCommand(folder.path("nothing")), timeout: .seconds(1), environment: [:],
            monotonic: { .zero }, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        await #expect(throws: StorageError.self) { try await run.handover.take(Self.file) { false } }
    }

    @Test func `at its deadline it is ended with all that it started`() async throws {
        let said = try await cause(
            "echo waiting >&2; sleep 1000 & echo $! > children; sleep 1000 & echo $! >> children; wait",
            timeout: .milliseconds(300))
        #expect(said == "its command had not ended after 300ms, saying \"waiting\"")
        try await expectGone(try written("children"))
    }

    @Test func `when tallyd stops it is ended, also where it does not want to`() async throws {
        let ready = folder.path("ready")
        let answer = try await run("trap '' TERM; echo $$ > ready; while :; do sleep 0.05; done") {
            FileManager.default.fileExists(atPath: ready)
        }
        #expect(answer == .stopped)
        try await expectGone(try written("ready"))
    }

    @Test func `what it leaves in the background does not outlive it`() async throws {
        #expect(try await run("sleep 1000 & echo $! > children") == .taken)
        try await expectGone(try written("children"))
    }

    @Test func `a task that is cancelled ends it, too`() async throws {
        let ready = folder.path("ready")
        let task = Task { try await run("echo $$ > ready; sleep 1000") }
        while !FileManager.default.fileExists(atPath: ready) { try await Task.sleep(for: .milliseconds(5)) }
        task.cancel()
        #expect(try await task.value == .stopped)
        try await expectGone(try written("ready"))
    }

    /// Killed and, by whoever inherited them, reaped; or nothing but zombies.
    private func expectGone(_ processes: [String]) async throws {
        #expect(!processes.isEmpty)
        for process in processes {
            var state = "?"
            for _ in 0..<400 {
                let text = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
                state = text.isEmpty ? "gone" : String(text.split(separator: ")").last?.dropFirst().prefix(1) ?? "?")
                if state == "gone" || state == "Z" { break }
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(state == "gone" || state == "Z", "process \(process)")
        }
    }
}
