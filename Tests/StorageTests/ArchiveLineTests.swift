import Foundation
import GRDB
import GRDBSQLite
import Storage
import TestSupport
import Testing

@Suite struct `Archive lines` {
    /// The line of one row: the values of a SELECT's columns, as SQL has them.
    private static func line(_ expressions: String, columns: [String] = ["a"]) throws -> String {
        try DatabaseQueue().read { db in
            let statement = try db.cachedStatement(sql: "SELECT \(expressions)").sqliteStatement
            #expect(sqlite3_step(statement) == SQLITE_ROW)
            var bytes: ContiguousArray<UInt8> = []
            try ArchiveLine(columns: columns).append(statement, from: 0, to: &bytes)
            sqlite3_reset(statement)
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    private static func values(_ line: String, columns: [String] = ["a"]) throws -> [ArchiveValue] {
        try ArchiveLine(columns: columns).values(of: ContiguousArray(line.utf8))
    }

    struct Form: Sendable {
        let sql: String
        let json: String
        let value: ArchiveValue

        init(_ sql: String, _ json: String, _ value: ArchiveValue) {
            self.sql = sql
            self.json = json
            self.value = value
        }

        static func text(_ sql: String, _ json: String, _ text: String) -> Form {
            Form(sql, json, .text(Array(text.utf8)))
        }
    }

    private static let forms: [Form] = [
        Form("NULL", "null", .null),
        Form("0", "0", .integer(0)),
        Form("9", "9", .integer(9)),
        Form("10", "10", .integer(10)),
        Form("-7", "-7", .integer(-7)),
        Form("9223372036854775807", "9223372036854775807", .integer(.max)),
        Form("-9223372036854775807 - 1", "-9223372036854775808", .integer(.min)),
        Form("1.0", "1.0", .real(1)),
        Form("0.1", "0.1", .real(0.1)),
        Form("0.1 + 0.2", "0.30000000000000004", .real(0.30000000000000004)),
        Form("1e300", "1e+300", .real(1e300)),
        Form("1e-7", "1e-07", .real(1e-7)),
        Form("9e999", #"{"$real":"inf"}"#, .real(.infinity)),
        Form("-9e999", #"{"$real":"-inf"}"#, .real(-.infinity)),
        .text("''", #""""#, ""),
        .text("'plain'", #""plain""#, "plain"),
        .text("'zwölf 💡'", #""zwölf 💡""#, "zwölf 💡"),
        .text(#"'a"b\c/d'"#, #""a\"b\\c/d""#, #"a"b\c/d"#),
        .text("CAST(x'00080a0c0d091f' AS TEXT)", #""\u0000\b\n\f\r\t\u001f""#, "\0\u{8}\n\u{C}\r\t\u{1F}"),
        .text("char(127)", "\"\u{7F}\"", "\u{7F}"),
        Form("CAST(x'ff' AS TEXT)", #"{"$text":"/w=="}"#, .text([0xFF])),
        Form("CAST(x'eda080' AS TEXT)", #"{"$text":"7aCA"}"#, .text([0xED, 0xA0, 0x80])),
        Form("x''", #"{"$blob":""}"#, .blob([])),
        Form("x'00ff'", #"{"$blob":"AP8="}"#, .blob([0, 0xFF])),
    ]

    @Test(arguments: forms) func `each storage class has its form, and is read from it`(form: Form) throws {
        let line = "{\"a\":\(form.json)}\n"
        #expect(try Self.line(form.sql) == line)
        #expect(try Self.values(line) == [form.value])
    }

    @Test func `negative zero keeps its sign`() throws {
        let value = try #require(try Self.values("{\"a\":-0.0}\n").first)
        #expect(value == .real(-0.0))
        #expect(value != .real(0.0))
        try DatabaseQueue().read { db in
            let statement = try db.cachedStatement(sql: "SELECT ?").sqliteStatement
            try ArchiveLine.bind(value, to: statement, at: 1)
            #expect(sqlite3_step(statement) == SQLITE_ROW)
            var bytes: ContiguousArray<UInt8> = []
            try ArchiveLine(columns: ["a"]).append(statement, from: 0, to: &bytes)
            #expect(String(decoding: bytes, as: UTF8.self) == "{\"a\":-0.0}\n")
        }
    }

    @Test func `texts of all lengths around the encoder's buffer come back`() throws {
        let queue = try DatabaseQueue()
        try queue.read { db in
            let select = try db.cachedStatement(sql: "SELECT ?, ?, ?").sqliteStatement
            let encoder = ArchiveLine(columns: ["a", "b", "c"])
            for length in Array(990...1_040) + [2_047, 2_048, 2_049, 100_000] {
                let values: [ArchiveValue] = [
                    .text(Array(repeating: UInt8(ascii: "x"), count: length)),
                    .text(Array(repeating: UInt8(ascii: "\""), count: length)),
                    .blob(Array(repeating: 7, count: length)),
                ]
                for rotation in 0..<3 {
                    let row = Array(values[rotation...] + values[..<rotation])
                    for (index, value) in row.enumerated() {
                        try ArchiveLine.bind(value, to: select, at: Int32(index + 1))
                    }
                    #expect(sqlite3_step(select) == SQLITE_ROW)
                    var bytes: ContiguousArray<UInt8> = []
                    try encoder.append(select, from: 0, to: &bytes)
                    sqlite3_reset(select)
                    #expect(try encoder.values(of: bytes) == row)
                    #expect((try? JSONSerialization.jsonObject(with: Data(bytes))) != nil)
                }
            }
        }
    }

    @Test func `a row without columns is an empty object`() throws {
        let line = try Self.line("1", columns: [])
        #expect(line == "{}\n")
        #expect(try Self.values(line, columns: []).isEmpty)
    }

    @Test func `keys stand in the order of the columns, escaped like any text`() throws {
        let columns = ["id", #"a "quoted" name"#, "größe"]
        let line = try Self.line("1, 2, 3", columns: columns)
        #expect(line == #"{"id":1,"a \"quoted\" name":2,"größe":3}"# + "\n")
        #expect(try Self.values(line, columns: columns) == [.integer(1), .integer(2), .integer(3)])
        #expect(throws: StorageError.self) { try Self.values(line, columns: columns.reversed()) }
    }

    private static func expectRefusal(of line: String, sourceLocation: SourceLocation = #_sourceLocation) {
        let error = #expect(throws: StorageError.self, sourceLocation: sourceLocation) { try Self.values(line) }
        #expect(error?.kind == .archiveDamaged, sourceLocation: sourceLocation)
    }

    private static let noLines: [String] = [
        "", "\n", "{}\n", "{\"a\":1}", "{\"a\":1}\n\n", "{\"a\": 1}\n", "{\"a\":1,\"b\":2}\n", "{\"b\":1}\n",
        "{\"a\":\"", "{\"a\":\"\\", "{\"a\":\"\\u00",
    ]

    @Test(arguments: noLines) func `what is not one object with these keys is refused`(line: String) {
        Self.expectRefusal(of: line)
    }

    private static let noValues: [String] = [
        "", "+1", "-0", "01", "1.", "1.00", "1e5", "1E5", "1e400", "9223372036854775808", "nan", "true", "nul", "[]",
        "{}", "\"", "\"\u{1}\"", #""\/""#, #""\u000a""#, #""\u001F""#, #""\u0041""#, #""\ud83d\udca1""#, #""\u00""#,
        #"{"$real":"nan"}"#, #"{"$real":1.0}"#, #"{"$text":"YQ=="}"#, #"{"$blob":"YQ"}"#, #"{"$blob":"YR=="}"#,
        #"{"$blob":"Y Q=="}"#, #"{"$blob":"AP8=","a":1}"#, #"{"$date":"1"}"#,
    ]

    @Test(arguments: noValues) func `a value that this encoder would have written otherwise is refused`(value: String) {
        Self.expectRefusal(of: "{\"a\":\(value)}\n")
    }

    @Test func `a string that is no UTF-8 is refused`() {
        let line = ContiguousArray("{\"a\":\"".utf8) + [0xC3, 0x28] + ContiguousArray("\"}\n".utf8)
        #expect(throws: StorageError.self) { try ArchiveLine(columns: ["a"]).values(of: line) }
    }

    @Test func `an error says at which byte, and what was not there`() throws {
        let error = #expect(throws: StorageError.self) { try Self.values("{\"a\":1;\"b\":2}\n", columns: ["a", "b"]) }
        #expect(error?.cause == "at its byte 7 there is no `,\"b\":`")
    }

    @Test func `the first integer is read alone where it is written as tallyd writes it, and else not at all`() throws {
        let line = ArchiveLine(columns: ["id", "x"])
        func first(_ text: String) -> Int64? { line.leadingInteger(of: ContiguousArray(text.utf8)) }
        #expect(first("{\"id\":17,\"x\":null}\n") == 17)
        #expect(first("{\"id\":0,\"x\":null}\n") == 0)
        #expect(first("{\"id\":999999999999999999,\"x\":1}\n") == 999_999_999_999_999_999)
        for odd in [
            "{\"id\":1000000000000000000,\"x\":1}\n", "{\"id\":017,\"x\":1}\n", "{\"id\":-1,\"x\":1}\n",
            "{\"id\":1.5,\"x\":1}\n",
            "{\"id\":\"17\",\"x\":1}\n", "{\"id\":", "{\"id\":17", "{\"ix\":17,\"x\":1}\n", "", "{\"id\":,\"x\":1}\n",
        ] { #expect(first(odd) == nil, "\(odd)") }
    }
}
