import Foundation
import GRDB
import GRDBSQLite

extension ArchiveErasure {
    /// Says of each line what becomes of it.
    struct Judge {
        private let rule: ErasureRule?
        private let columns: [String]
        private let user: [UInt8]
        private let pseudonym: [UInt8]
        /// The name as it stands in a line, without its quotes.
        private let written: [UInt8]
        private let userColumn: Int?
        private let requestColumn: Int?
        /// Columns that are emptied in rows that stay.
        private let emptied: [Int]
        private let json: [Int]
        private let names: [Int]

        init(_ archive: ArchiveErasure, _ sidecar: ArchiveSidecar, pseudonym: String) {
            // Of what was set aside it holds the usage rows.
            let table = ArchiveSource.named(sidecar.table)?.table ?? sidecar.table
            let rule = ErasureRule.of(table)
            let columns = sidecar.columns
            self.rule = rule
            self.columns = columns
            user = Array(archive.user.utf8)
            self.pseudonym = Array(pseudonym.utf8)
            var bytes: ContiguousArray<UInt8> = []
            let name = ContiguousArray(archive.user.utf8)
            LineBuffer.append(to: &bytes) { line in
                name.withUnsafeBufferPointer { JSONText.append($0, to: &line) }
            }
            written = Array(bytes.dropFirst().dropLast())
            userColumn = columns.firstIndex(of: "user_id")
            requestColumn = table == "usage_logs" ? columns.firstIndex(of: "request_id") : nil
            let known = ErasureRule.knownColumns[table] ?? []
            let leaving = archive.exceptions.columns
            let emptiedNames = Set(ErasureRule.emptied[table] ?? []).union(
                columns.filter {
                    !known.isEmpty && !known.contains($0) && !leaving.contains("\(table).\($0)")
                })
            emptied = columns.indices.filter { emptiedNames.contains(columns[$0]) }
            json = columns.indices.filter { (rule?.json ?? []).contains(columns[$0]) }
            names = columns.indices.filter { (rule?.names ?? []).contains(columns[$0]) }
        }

        /// False of a line in which the name does not stand: most lines need not be decoded. Within a text of JSON it may be spelt with escapes, each
        /// of which is a backslash, doubled.
        func mayConcern(_ line: UnsafeBufferPointer<UInt8>) -> Bool {
            Self.contains(line, written) || (!json.isEmpty && Self.contains(line, Self.doubledBackslash))
        }

        private static let doubledBackslash = Array("\\\\".utf8)

        private static func contains(_ bytes: UnsafeBufferPointer<UInt8>, _ part: [UInt8]) -> Bool {
            guard let base = bytes.baseAddress, let first = part.first else { return part.isEmpty }
            var from = 0
            while from + part.count <= bytes.count, let found = memchr(base + from, Int32(first), bytes.count - from) {
                let place = UnsafeRawPointer(found) - UnsafeRawPointer(base)
                guard place + part.count <= bytes.count else { return false }
                if memcmp(base + place, part, part.count) == 0 { return true }
                from = place + 1
            }
            return false
        }

        func isUnderPseudonym(_ values: [ArchiveValue]) -> Bool {
            userColumn.map { values[$0] == .text(pseudonym) } ?? false
        }

        func verdict(on values: [ArchiveValue]) -> Line {
            var values = values
            var isChanged = false
            if let userColumn, values[userColumn] == .text(user) {
                guard rule?.treatment == .rekeyed else { return .dropped }
                isChanged = true
                values[userColumn] = .text(pseudonym)
                for index in emptied { values[index] = .null }
                if let requestColumn { values[requestColumn] = .text(Array(Self.randomRequest().utf8)) }
            }
            for index in names where values[index] == .text(user) {
                isChanged = true
                values[index] = .text(pseudonym)
            }
            for index in json {
                guard case .text(let text) = values[index],
                    let changed = NamesInJSON.replacing(user, by: pseudonym, in: text)
                else { continue }
                isChanged = true
                values[index] = .text(changed)
            }
            return isChanged ? .changed(values) : .kept
        }

        /// As the table's rows get one: `erased-` and 32 digits.
        private static func randomRequest() -> String {
            let digits = (0..<16).flatMap { _ in
                let byte = UInt8.random(in: 0...255)
                return [Hex.digit(byte >> 4), Hex.digit(byte & 15)]
            }
            return "erased-" + String(decoding: digits, as: UTF8.self)
        }
    }

    /// Values as a line. SQLite gives them to the encoder, which reads a statement: a result that is a parameter has the parameter's storage class.
    struct ValueEncoder {
        private let line: ArchiveLine
        private let memory: DatabaseQueue

        init(_ line: ArchiveLine) throws {
            self.line = line
            memory = try DatabaseQueue()
        }

        func line(_ values: [ArchiveValue]) throws -> ContiguousArray<UInt8> {
            try memory.inDatabase { db in
                let places = values.indices.map { "?\($0 + 1)" }.joined(separator: ", ")
                let row = try RawStatement(db, "SELECT \(places)")
                for (index, value) in values.enumerated() {
                    try ArchiveLine.bind(value, to: row.handle, at: Int32(index + 1))
                }
                defer { row.reset() }
                var bytes: ContiguousArray<UInt8> = []
                if try row.step() { try line.append(row.handle, from: 0, to: &bytes) }
                return bytes
            }
        }
    }
}
