import Glibc
import Testing

@testable import Systemd

struct LogDestinationTests {
    /// A file that stands for a redirected standard error, and its JOURNAL_STREAM.
    private func withFile(_ body: (_ descriptor: Int32, _ stream: String, _ path: String) throws -> Void) throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/stderr"
        let descriptor = open(path, O_WRONLY | O_CREAT, 0o600)
        defer { close(descriptor) }
        var file = stat()
        guard fstat(descriptor, &file) == 0 else { throw SystemFailure(code: errno) }
        try body(descriptor, "\(file.st_dev):\(file.st_ino)", path)
    }

    @Test func `the journal is chosen where its stream is our standard error`() throws {
        try withFile { descriptor, stream, path in
            let environment = ["JOURNAL_STREAM": stream, "INVOCATION_ID": "x"]
            let found = LogDestination.detect(
                environment: environment, standardError: descriptor, journalSocket: path)
            #expect(found == .journal)
        }
    }

    @Test func `an inherited stream, or a journal out of reach, means lines with priorities`() throws {
        try withFile { descriptor, stream, path in
            let inherited = ["JOURNAL_STREAM": stream + "9", "INVOCATION_ID": "x"]
            #expect(
                LogDestination.detect(environment: inherited, standardError: descriptor, journalSocket: path)
                    == .prefixed(priorities: true))
            let unreachable = ["JOURNAL_STREAM": stream, "INVOCATION_ID": "x"]
            #expect(
                LogDestination.detect(
                    environment: unreachable, standardError: descriptor, journalSocket: path + "-absent")
                    == .prefixed(priorities: true))
        }
    }

    @Test func `a pipe outside systemd gets plain lines`() throws {
        try withFile { descriptor, _, _ in
            #expect(LogDestination.detect(environment: [:], standardError: descriptor) == .prefixed(priorities: false))
        }
    }

    @Test(arguments: [
        ([:], true), (["TERM": "xterm"], true), (["NO_COLOR": ""], true), (["NO_COLOR": "1"], false),
        (["TERM": "dumb"], false),
    ])
    func `a terminal has colours unless they are declined`(environment: [String: String], colour: Bool) throws {
        let terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY)
        try #require(terminal >= 0, "no pseudo-terminal on this machine")
        defer { close(terminal) }
        #expect(
            LogDestination.detect(environment: environment, standardError: terminal) == .terminal(colour: colour))
    }
}
