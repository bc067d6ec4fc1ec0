import Testing

@testable import Systemd

struct JournalEntryTests {
    @Test func `a value with a line break goes with its length`() {
        var entry = JournalEntry()
        entry.append("A", "one")
        entry.append("B", "x\ny")
        let expected = Array("A=one\nB\n".utf8) + [3, 0, 0, 0, 0, 0, 0, 0] + Array("x\ny\n".utf8)
        #expect(entry.encoded() == expected)
    }

    @Test func `only the longest values of a large entry are cut, and they say so`() throws {
        var entry = JournalEntry()
        entry.append("MESSAGE", String(repeating: "é", count: 300_000))
        entry.append("PRIORITY", "6")
        entry.append("TALLYD_BODY", String(repeating: "\n", count: 200_000))
        entry.append("TALLYD_JOB", "rollup")
        let datagram = entry.encoded()
        #expect(datagram.count <= JournalEntry.byteLimit)
        #expect(datagram.count > JournalEntry.byteLimit - 100)
        let fields = try #require(JournalFields(datagram))
        #expect(fields["PRIORITY"] == "6")
        #expect(fields["TALLYD_JOB"] == "rollup")
        let message = try #require(fields["MESSAGE"])
        #expect(message.hasSuffix("é … (cut, 600000 bytes in all)"))
        #expect(fields["TALLYD_BODY"]?.hasSuffix("\n … (cut, 200000 bytes in all)") == true)
    }

    @Test(arguments: [10, 100, 1_000])
    func `a limit holds whatever it is`(limit: Int) throws {
        var entry = JournalEntry()
        for number in 0..<5 { entry.append("F\(number)", String(repeating: "…", count: 400 * number)) }
        let datagram = entry.encoded(limit: limit)
        #expect(datagram.count <= max(limit, 5 * 12))
        #expect(JournalFields(datagram) != nil)
    }
}
