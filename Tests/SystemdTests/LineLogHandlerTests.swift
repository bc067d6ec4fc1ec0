import Glibc
import Logging
import Testing

@testable import Systemd

@Suite(.timeLimit(.minutes(10)))
struct LineLogHandlerTests {
    /// What a logger writes to a destination, read back from a file.
    private func output(_ destination: LogDestination, _ body: (inout Logger) -> Void) throws -> String {
        let folder = try TemporaryFolder()
        let descriptor = open(folder.path + "/lines", O_RDWR | O_CREAT, 0o600)
        defer { close(descriptor) }
        let factory = try makeLogHandler(
            label: "tallyd", destination: destination, level: .debug, standardError: descriptor,
            timestamp: { "2026-11-24 02:00:00" })
        var logger = Logger(label: "tallyd") { factory.makeHandler(label: $0) }
        body(&logger)
        #expect(factory.flush())
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    @Test func `a line has time, level, message and sorted facts`() throws {
        let lines = try output(.prefixed(priorities: false)) { logger in
            logger[metadataKey: "job"] = "rollup"
            logger.info("rolled up", metadata: ["rows": "12", "message_id": "0e5b1f2a9c3d4e4f8a1b2c3d4e5f6a7b"])
            logger.warning("alone")
        }
        #expect(
            lines == """
                2026-11-24 02:00:00 info  rolled up  job=rollup rows=12
                2026-11-24 02:00:00 warn  alone  job=rollup

                """)
    }

    @Test func `the level of all loggers changes while they live, but of those with one of their own`() throws {
        let folder = try TemporaryFolder()
        let descriptor = open(folder.path + "/lines", O_RDWR | O_CREAT, 0o600)
        defer { close(descriptor) }
        let factory = try makeLogHandler(
            label: "tallyd", destination: .prefixed(priorities: false), level: .notice, standardError: descriptor,
            timestamp: { "now" })
        let common = Logger(label: "a") { factory.makeHandler(label: $0) }
        var own = Logger(label: "b") { factory.makeHandler(label: $0) }
        own.logLevel = .error
        for level in Logger.Level.allCases {
            factory.threshold.level = level
            #expect(factory.threshold.level == level)
            #expect(common.logLevel == level)
            #expect(own.logLevel == .error)
        }
        factory.threshold.level = .info
        common.info("heard")
        common.debug("not heard")
        var bytes = [UInt8](repeating: 0, count: 1_024)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        #expect(String(decoding: bytes.prefix(max(0, count)), as: UTF8.self) == "now info  heard\n")
    }

    @Test func `under systemd each line starts with its priority`() throws {
        let lines = try output(.prefixed(priorities: true)) { $0.critical("on fire") }
        #expect(lines == "<2>2026-11-24 02:00:00 crit  on fire\n")
    }

    @Test func `a terminal shows the level in colour`() throws {
        let lines = try output(.terminal(colour: true)) { $0.error("failed", metadata: ["job": "purge"]) }
        #expect(lines == "\u{1B}[2m2026-11-24 02:00:00\u{1B}[0m \u{1B}[31merror\u{1B}[0m failed  job=purge\n")
        #expect(try output(.terminal(colour: false)) { $0.debug("x") } == "2026-11-24 02:00:00 debug x\n")
    }

    @Test func `a value can neither start a line nor steer a terminal`() throws {
        let lines = try output(.terminal(colour: false)) { logger in
            logger.info("two\nlines", metadata: ["a": "x\n<2>y", "b": "\u{1B}[2J", "c": "say \"hi\" \\o/", "d": ""])
        }
        #expect(
            lines
                == #"2026-11-24 02:00:00 info  two\nlines  a=x\n<2>y b=\u{1b}[2J c="say \"hi\" \\o/" d="""# + "\n")
    }

    @Test func `an attached error is a fact`() throws {
        struct Full: Error, CustomStringConvertible { var description: String { "disk full" } }
        let lines = try output(.prefixed(priorities: false)) { $0.error("apply failed", error: Full()) }
        #expect(lines == "2026-11-24 02:00:00 error apply failed  error=\"disk full\"\n")
    }

    @Test func `a very long line is split below 48 KiB with nothing lost`() throws {
        let body = String(repeating: "é…", count: 30_000)
        let lines = try output(.prefixed(priorities: true)) { $0.info("\(body)") }.split(separator: "\n")
        #expect(lines.count == 4)
        var joined = ""
        for (index, line) in lines.enumerated() {
            #expect(line.utf8.count < 48 * 1_024)
            let head = "<6>2026-11-24 02:00:00 info  " + (index == 0 ? "" : "… ")
            #expect(line.hasPrefix(head))
            joined += line.dropFirst(head.count)
        }
        #expect(joined == body)
    }

    @Test func `a reader that is gone costs the line and not the process`() async throws {
        await #expect(processExitsWith: .success) {
            signal(SIGPIPE, SIG_IGN)
            var ends: [Int32] = [0, 0]
            #expect(pipe(&ends) == 0)
            close(ends[0])
            let factory = try makeLogHandler(
                label: "tallyd", destination: .prefixed(priorities: false), level: .info, standardError: ends[1])
            Logger(label: "tallyd") { factory.makeHandler(label: $0) }.info("into the void")
        }
    }

    @Test func `the local time reads as a date and a time`() {
        let text = LineTimestamp.text(unixSeconds: 1_795_485_600)
        #expect(text.count == 19)
        #expect(text.hasPrefix("2026-11-2"))
        #expect(text.hasSuffix(":00"))
    }
}
