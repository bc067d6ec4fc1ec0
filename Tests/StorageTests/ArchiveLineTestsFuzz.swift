import Foundation
import GRDB
import GRDBSQLite
import Storage
import TestSupport
import Testing

@Suite struct `Archive lines of random values` {
    private static let columns = ["id", "a", "b", "c", "d"]
    private static let rows = 2_000

    /// Two tables of the same columns: without affinity, since with one SQLite would change what is stored.
    private static func makeDatabase() throws -> DatabaseQueue {
        let queue = try DatabaseQueue()
        try queue.write { db in
            for table in ["before", "after"] {
                try db.execute(sql: "CREATE TABLE \(table) (id INTEGER PRIMARY KEY, a, b, c, d)")
            }
        }
        return queue
    }

    /// By GRDB and SQL's CAST, not by the code under test.
    private static func insert(_ db: Database, _ values: [ArchiveValue]) throws {
        var arguments: [(any DatabaseValueConvertible)?] = []
        let places = values.map { value in
            switch value {
            case .null: arguments.append(nil)
            case .integer(let number): arguments.append(number)
            case .real(let number): arguments.append(number)
            case .blob(let bytes): arguments.append(Data(bytes))
            case .text(let bytes):
                arguments.append(Data(bytes))
                return "CAST(? AS TEXT)"
            }
            return "?"
        }
        try db.execute(
            sql: "INSERT INTO before (a, b, c, d) VALUES (\(places.joined(separator: ", ")))",
            arguments: StatementArguments(arguments))
    }

    private static func lines(_ db: Database, of table: String) throws -> [ContiguousArray<UInt8>] {
        let statement = try db.cachedStatement(
            sql: "SELECT 0, \(columns.joined(separator: ", ")) FROM \(table) ORDER BY id"
        )
        .sqliteStatement
        let encoder = ArchiveLine(columns: columns)
        var lines: [ContiguousArray<UInt8>] = []
        while sqlite3_step(statement) == SQLITE_ROW {
            var bytes: ContiguousArray<UInt8> = [1, 2, 3]
            try encoder.append(statement, from: 1, to: &bytes)
            #expect(bytes.prefix(3) == [1, 2, 3])
            lines.append(ContiguousArray(bytes.dropFirst(3)))
        }
        sqlite3_reset(statement)
        return lines
    }

    @Test func `they come back into another table with class and value, and give the same bytes again`() throws {
        var random = SplitMix64(for: "Archive lines of random values")
        let queue = try Self.makeDatabase()
        try queue.write { db in
            var stored: [[ArchiveValue]] = []
            for _ in 0..<Self.rows {
                let values = (0..<4).map { _ in ArchiveValue.random(using: &random) }
                try Self.insert(db, values)
                stored.append(values)
            }
            let lines = try Self.lines(db, of: "before")
            #expect(lines.count == Self.rows)

            let insert = try db.cachedStatement(sql: "INSERT INTO after VALUES (?, ?, ?, ?, ?)").sqliteStatement
            for (index, line) in lines.enumerated() {
                let values = try ArchiveLine(columns: Self.columns).values(of: line)
                #expect(values == [.integer(Int64(index + 1))] + stored[index])
                for (place, value) in values.enumerated() {
                    try ArchiveLine.bind(value, to: insert, at: Int32(place + 1))
                }
                #expect(sqlite3_step(insert) == SQLITE_DONE)
                sqlite3_reset(insert)
            }
            #expect(try Self.lines(db, of: "after") == lines)

            for column in Self.columns {
                // hex() of the bytes, since quote() ends a text at its first NUL.
                let different = try Int.fetchOne(
                    db,
                    sql: """
                        SELECT COUNT(*)
                        FROM before JOIN after USING (id)
                        WHERE typeof(before.\(column)) IS NOT typeof(after.\(column))
                          OR quote(before.\(column)) IS NOT quote(after.\(column))
                          OR hex(CAST(before.\(column) AS BLOB)) IS NOT hex(CAST(after.\(column) AS BLOB))
                        """)
                #expect(different == 0, "column \(column)")
            }
        }
    }

    @Test func `every line is JSON that Foundation reads, and a text's string is the text`() throws {
        var random = SplitMix64(for: "Archive lines as JSON")
        let queue = try Self.makeDatabase()
        try queue.write { db in
            var stored: [[ArchiveValue]] = []
            for _ in 0..<Self.rows {
                let values = (0..<4).map { _ in ArchiveValue.random(using: &random) }
                try Self.insert(db, values)
                stored.append(values)
            }
            for (line, values) in zip(try Self.lines(db, of: "before"), stored) {
                #expect(line.last == 0x0A)
                #expect(line.firstIndex(of: 0x0A) == line.count - 1)
                let object = try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
                #expect(Set(object.keys) == Set(Self.columns))
                for (column, value) in zip(Self.columns.dropFirst(), values) {
                    switch value {
                    case .null: #expect(object[column] is NSNull)
                    case .integer(let number): #expect((object[column] as? NSNumber)?.int64Value == number)
                    case .real(let number) where number.isFinite:
                        // Foundation's own reading is off by a few units in the last place (Swift 6.3 on Linux). That Python reads
                        // the very same number is a test of `Archive files`.
                        let read = (object[column] as? NSNumber)?.doubleValue ?? .nan
                        #expect(abs(read - number) <= abs(number) * 1e-14, "\(number)")
                    case .text(let bytes):
                        guard let text = String(validating: bytes, as: UTF8.self) else { fallthrough }
                        #expect((object[column] as? String).map { Array($0.utf8) } == Array(text.utf8))
                    case .real, .blob: #expect((object[column] as? [String: String])?.count == 1)
                    }
                }
            }
        }
    }

    /// By column; nil for a line that is refused.
    private static func integers(_ decoder: ArchiveLine, _ line: ContiguousArray<UInt8>) -> [Int: Int64]? {
        var integers: [Int: Int64] = [:]
        return line.withUnsafeBufferPointer { line in
            do {
                try decoder.forEachInteger(of: line) { integers[$0] = $1 }
                return integers
            } catch {
                return nil
            }
        }
    }

    @Test func `a line with a byte changed is refused, or is what its new values give`() throws {
        var random = SplitMix64(for: "Archive lines with a byte changed")
        let queue = try Self.makeDatabase()
        var read = 0
        try queue.write { db in
            for _ in 0..<Self.rows {
                try Self.insert(db, (0..<4).map { _ in ArchiveValue.random(using: &random) })
            }
            let select = try db.cachedStatement(sql: "SELECT ?, ?, ?, ?, ?").sqliteStatement
            let encoder = ArchiveLine(columns: Self.columns)
            for line in try Self.lines(db, of: "before") {
                var changed = line
                let place = Int.random(in: changed.indices, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: changed[place] = .random(in: 0...255, using: &random)
                case 1: changed.remove(at: place)
                default: changed.insert(line[Int.random(in: line.indices, using: &random)], at: place)
                }
                let values = try? encoder.values(of: changed)
                #expect(Self.integers(encoder, line) == (try encoder.values(of: line)).integers)
                #expect(Self.integers(encoder, changed) == values?.integers)
                guard let values else { continue }
                read += 1
                for (index, value) in values.enumerated() {
                    try ArchiveLine.bind(value, to: select, at: Int32(index + 1))
                }
                #expect(sqlite3_step(select) == SQLITE_ROW)
                var bytes: ContiguousArray<UInt8> = []
                try encoder.append(select, from: 0, to: &bytes)
                sqlite3_reset(select)
                #expect(bytes == changed)
            }
        }
        #expect(read > 0)
    }
}

extension [ArchiveValue] {
    /// By their places.
    fileprivate var integers: [Int: Int64] {
        enumerated().reduce(into: [:]) { integers, element in
            if case .integer(let number) = element.element { integers[element.offset] = number }
        }
    }
}

extension ArchiveValue {
    /// Any value that SQLite can store, those at the edges often.
    static func random(using random: inout SplitMix64) -> ArchiveValue {
        switch Int.random(in: 0..<10, using: &random) {
        case 0: .null
        case 1, 2:
            // Of every size, not only of nineteen digits.
            .integer(Int64(truncatingIfNeeded: random.next()) >> Int64.random(in: 0...63, using: &random))
        case 3: .integer([.min, .max, 0, -1, 9, 10, -10, 99, 100].randomElement(using: &random) ?? 0)
        case 4: .real(finite(Double(bitPattern: random.next())))
        case 5:
            .real(
                [
                    0, -0.0, 1, -1, 0.1, 1e15, 1e16, 1e17, 123_456.75, .infinity, -.infinity, .leastNonzeroMagnitude,
                    .leastNormalMagnitude, .greatestFiniteMagnitude, .pi, 9_007_199_254_740_992,
                ].randomElement(using: &random) ?? 0)
        case 6: .blob((0..<Int.random(in: 0...20, using: &random)).map { _ in .random(in: 0...255, using: &random) })
        default: .text(text(using: &random))
        }
    }

    /// SQLite would store a NaN as NULL.
    private static func finite(_ number: Double) -> Double { number.isNaN ? 0.5 : number }

    /// Pieces of plain and of every awkward kind, of all lengths around eight bytes.
    private static func text(using random: inout SplitMix64) -> [UInt8] {
        let awkward: [[UInt8]] = [
            [0], [0x1F], [0x20], [0x22], [0x5C], [0x7F], [0x0A], [0x0D], [0x08], [0x0B], Array("é".utf8),
            Array("日本".utf8), Array("💡".utf8), Array("e\u{301}".utf8), Array("\u{2028}\u{FEFF}".utf8),
            // No UTF-8: a byte alone, too long a form, a surrogate, beyond U+10FFFF, cut short.
            [0x80], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82],
        ]
        let isTame = Bool.random(using: &random)
        return (0..<Int.random(in: 0...4, using: &random)).flatMap { _ -> [UInt8] in
            if Bool.random(using: &random) {
                return (0..<Int.random(in: 0...18, using: &random)).map { _ in
                    UInt8.random(in: 0x20...0x7E, using: &random)
                }
            }
            return (isTame ? awkward.prefix(15) : awkward[...]).randomElement(using: &random) ?? []
        }
    }
}
