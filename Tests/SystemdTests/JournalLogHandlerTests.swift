import Glibc
import Logging
import Testing

@testable import Systemd

@Suite(.timeLimit(.minutes(10)))
struct JournalLogHandlerTests {
    private let folder: TemporaryFolder
    private let path: String

    init() throws {
        folder = try TemporaryFolder()
        path = folder.path + "/journal"
    }

    private func logger(_ factory: LogHandlerFactory, _ label: String = "tallyd") -> Logger {
        Logger(label: label) { factory.makeHandler(label: $0) }
    }

    @Test func `an event arrives with every field`() throws {
        let journal = try DatagramReceiver(at: path)
        let factory = try makeLogHandler(label: "tallyd", destination: .journal, level: .info, journalSocket: path)
        var logger = logger(factory, "tallyd.rollup")
        logger[metadataKey: "job"] = "rollup"
        logger.error(
            "rolled\nup",
            metadata: [
                "lockMs": "4", "message_id": "0E5B1F2A-9C3D-4E4F-8A1B-2C3D4E5F6A7B",
                "days": ["2026-11-23", "2026-11-24"],
                "store": ["rows": "7"],
            ],
            file: "Sources/Lane.swift", function: "run()", line: 12)
        let fields = try #require(journal.receiveFields())
        #expect(fields["MESSAGE"] == "rolled\nup")
        #expect(fields["PRIORITY"] == "3")
        #expect(fields["SYSLOG_IDENTIFIER"] == "tallyd")
        #expect(fields["MESSAGE_ID"] == "0e5b1f2a9c3d4e4f8a1b2c3d4e5f6a7b")
        #expect(fields["CODE_FILE"] == "Sources/Lane.swift")
        #expect(fields["CODE_LINE"] == "12")
        #expect(fields["CODE_FUNC"] == "run()")
        #expect(fields["TALLYD_JOB"] == "rollup")
        #expect(fields["TALLYD_LOCK_MS"] == "4")
        #expect(fields["TALLYD_LOGGER"] == "tallyd.rollup")
        #expect(fields["TALLYD_STORE_ROWS"] == "7")
        #expect(fields.values("TALLYD_DAYS") == ["2026-11-23", "2026-11-24"])
        #expect(factory.flush())
    }

    @Test func `what stands at the call wins and the level is kept`() throws {
        let journal = try DatagramReceiver(at: path)
        let factory = try makeLogHandler(
            label: "tallyd", destination: .journal, level: .warning, fieldPrefix: "X_", journalSocket: path)
        var logger = logger(factory)
        logger[metadataKey: "job"] = "handler"
        logger.info("not logged")
        logger.warning("logged", metadata: ["job": "call"])
        let fields = try #require(journal.receiveFields())
        #expect(fields["MESSAGE"] == "logged")
        #expect(fields.values("X_JOB") == ["call"])
        #expect(fields["X_LOGGER"] == nil)
    }

    @Test func `a message of a megabyte arrives, cut`() throws {
        let journal = try DatagramReceiver(at: path)
        let factory = try makeLogHandler(label: "tallyd", destination: .journal, level: .info, journalSocket: path)
        logger(factory).info("\(String(repeating: "m", count: 1 << 20))", metadata: ["job": "rollup"])
        let fields = try #require(journal.receiveFields())
        #expect(fields["MESSAGE"]?.hasSuffix("(cut, 1048576 bytes in all)") == true)
        #expect(fields["TALLYD_JOB"] == "rollup")
    }

    @Test func `an absent journal blocks no caller and flushing gives up in time`() throws {
        let factory = try makeLogHandler(label: "tallyd", destination: .journal, level: .info, journalSocket: path)
        for _ in 1...10_000 { logger(factory).info("nobody listens") }
        #expect(!factory.flush(within: .milliseconds(20)))
    }

    @Test func `a journal that comes back gets what was waiting`() throws {
        let factory = try makeLogHandler(label: "tallyd", destination: .journal, level: .info, journalSocket: path)
        logger(factory).info("waiting")
        let journal = try DatagramReceiver(at: path)
        #expect(journal.receiveFields()?["MESSAGE"] == "waiting")
        #expect(factory.flush())
    }

    @Test func `a journal that does not read costs lines, and every lost line is counted`() throws {
        let journal = try DatagramReceiver(at: path)
        let writer = try JournalWriter(socketPath: path, countLimit: 16) {
            JournalLogHandler.dropReport(count: $0, identifier: "tallyd", fieldPrefix: "TALLYD_")
        }
        var line = JournalEntry()
        line.append("MESSAGE", "line")
        let first = 3_000
        var written = first
        for _ in 1...first { writer.write(line) }
        var arrived = 0
        var reported = 0
        while arrived + reported < written, written < first + 50 {
            guard let fields = journal.receiveFields(within: 200) else {
                // A report rides behind a line that gets through.
                writer.write(line)
                written += 1
                continue
            }
            if let count = fields["TALLYD_LINES"].flatMap({ Int($0) }) { reported += count } else { arrived += 1 }
        }
        #expect(arrived + reported == written)
        #expect(reported > 0)
        #expect(writer.flush())
    }

    @Test func `a path that is no address is refused in words`() {
        #expect(throws: JournalUnreachable(path: "journal")) {
            try makeLogHandler(label: "tallyd", destination: .journal, level: .info, journalSocket: "journal")
        }
    }
}
