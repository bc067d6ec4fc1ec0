import Foundation

extension ArchiveLine {
    /// The values of a line, one for each of `columns`.
    ///
    /// Reads what `append` writes and nothing else: a line with white space, other escapes, `1` rewritten from `1.0`, or keys in another order is
    /// refused, since whatever rewrote it may have changed values too. So every line that is read gives the same bytes again.
    ///
    /// - Parameter line: with its newline.
    /// - Throws: `StorageError` of kind `archiveDamaged` that says at which byte what was expected.
    package func values(of line: UnsafeBufferPointer<UInt8>) throws -> [ArchiveValue] {
        var cursor = LineCursor(line)
        var values: [ArchiveValue] = []
        values.reserveCapacity(columns.count)
        try explaining {
            try forEachHead { head in
                try cursor.expect(head)
                values.append(try cursor.value())
            }
            try cursor.expectLineEnd(isEmpty: columns.isEmpty)
        }
        return values
    }

    /// Reads a line as `values` does, and refuses what it refuses, but gives out integers alone, each with its column's index: no value is made of
    /// what is only to be well-formed.
    ///
    /// - Throws: as `values` does.
    package func forEachInteger(
        of line: UnsafeBufferPointer<UInt8>, _ visit: (_ column: Int, _ value: Int64) -> Void
    ) throws {
        var cursor = LineCursor(line)
        var column = 0
        try explaining {
            try forEachHead { head in
                try cursor.expect(head)
                if let integer = try cursor.passValue() { visit(column, integer) }
                column += 1
            }
            try cursor.expectLineEnd(isEmpty: columns.isEmpty)
        }
    }

    private func explaining(_ work: () throws -> Void) throws {
        do {
            try work()
        } catch let problem as LineCursor.Problem {
            throw StorageError(
                .archiveDamaged, cannot: "read", "a line of the archive",
                because: "at its byte \(problem.offset + 1) \(problem.description)",
                remedy: "Compare the file with its checksum (`sha256sum`), and restore it from a copy.")
        }
    }

    /// The first column's value where it is an integer of few digits, without a look at the rest of the line: `values` takes as long as finding
    /// the row that it tells of. Nil where it is anything else.
    package func leadingInteger(of line: ContiguousArray<UInt8>) -> Int64? {
        line.withUnsafeBufferPointer { line in
            var start = 0
            firstHead { start = line.starts(with: $0) ? $0.count : 0 }
            guard start > 0 else { return nil }
            var value: Int64 = 0
            var index = start
            // 18 digits never overflow.
            while index < line.count, index - start < 18, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(line[index])
            {
                value = value * 10 + Int64(line[index] - UInt8(ascii: "0"))
                index += 1
            }
            guard index > start, index < line.count,
                line[index] == UInt8(ascii: ",") || line[index] == UInt8(ascii: "}"),
                index - start == 1 || line[start] != UInt8(ascii: "0")
            else { return nil }
            return value
        }
    }

    /// The same of a line that `ArchiveReader.next()` gave.
    package func values(of line: ContiguousArray<UInt8>) throws -> [ArchiveValue] {
        try line.withUnsafeBufferPointer { try values(of: $0) }
    }
}

/// Goes through one line, from its first byte to its last.
private struct LineCursor {
    struct Problem: Error {
        let offset: Int
        let description: String
    }

    private let bytes: UnsafeBufferPointer<UInt8>
    private var offset = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    private func problem(_ description: String) -> Problem { Problem(offset: offset, description: description) }

    private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    mutating func expect(_ expected: UnsafeBufferPointer<UInt8>) throws {
        guard starts(with: expected) else {
            throw problem("there is no `\(String(decoding: expected, as: UTF8.self))`")
        }
        offset += expected.count
    }

    mutating func expect(_ literal: StaticString) throws {
        try expect(UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }

    mutating func expectLineEnd(isEmpty: Bool) throws {
        if isEmpty { try expect("{") }
        try expect("}\n")
        guard offset == bytes.count else { throw problem("the line should have ended") }
    }

    private func starts(with expected: UnsafeBufferPointer<UInt8>) -> Bool {
        guard expected.count <= bytes.count - offset, let mine = bytes.baseAddress, let other = expected.baseAddress
        else { return expected.isEmpty }
        return memcmp(mine + offset, other, expected.count) == 0
    }

    mutating func value() throws -> ArchiveValue {
        switch next {
        case UInt8(ascii: "\""): return .text(try string())
        case UInt8(ascii: "{"): return try tagged()
        case UInt8(ascii: "n"):
            try expect("null")
            return .null
        default: return try number()
        }
    }

    /// Goes behind a value. Most are read where they stand; for the others, which are few, a value is made.
    ///
    /// - Returns: what an integer says; nil for a value of another kind.
    mutating func passValue() throws -> Int64? {
        if next == UInt8(ascii: "\"") {
            if !passPlainString() { _ = try string() }
            return nil
        }
        if let integer = passInteger() { return integer }
        if case .integer(let number) = try value() { return number }
        return nil
    }

    /// A string of ASCII without escapes.
    private mutating func passPlainString() -> Bool {
        let end = JSONText.plainPrefix(bytes, from: offset + 1)
        guard end < bytes.count, bytes[end] == UInt8(ascii: "\"") else { return false }
        offset = end + 1
        return true
    }

    /// An integer of at most 18 digits, which never overflow, without a sign and written as tallyd does; nil for anything else, which may be one as well.
    private mutating func passInteger() -> Int64? {
        var end = offset
        var number: Int64 = 0
        while end < bytes.count, case let digit = bytes[end] &- UInt8(ascii: "0"), digit < 10 {
            guard end - offset < 18 else { return nil }
            number = number * 10 + Int64(digit)
            end += 1
        }
        guard end > offset, end < bytes.count, bytes[end] == UInt8(ascii: ",") || bytes[end] == UInt8(ascii: "}"),
            end - offset == 1 || bytes[offset] != UInt8(ascii: "0")
        else { return nil }
        offset = end
        return number
    }

    // MARK: Numbers

    private mutating func number() throws -> ArchiveValue {
        var end = offset
        var isReal = false
        scan: while end < bytes.count {
            switch bytes[end] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"): end += 1
            case UInt8(ascii: "."), UInt8(ascii: "e"):
                isReal = true
                end += 1
            default: break scan
            }
        }
        let text = String(decoding: bytes[offset..<end], as: UTF8.self)
        // Whatever else these initializers read, such as `+1`, `-0` or `1e400`, comes out as another text than it went in.
        if isReal, let number = Double(text), number.isFinite, number.description == text {
            offset = end
            return .real(number)
        }
        if !isReal, let number = Int64(text), number.description == text {
            offset = end
            return .integer(number)
        }
        throw problem(text.isEmpty ? "there is no value" : "`\(text.prefix(40))` is no number as tallyd writes it")
    }

    // MARK: Strings

    /// The bytes of a string, which are UTF-8.
    private mutating func string() throws -> [UInt8] {
        let start = offset
        let text = try quoted()
        guard text.withUnsafeBufferPointer({ JSONText.isUTF8($0) }) else {
            offset = start
            throw problem("a string is no UTF-8")
        }
        return text
    }

    private mutating func quoted() throws -> [UInt8] {
        try expect("\"")
        var text: [UInt8] = []
        while true {
            var end = offset
            while end < bytes.count, !JSONText.needsEscape(bytes[end]) { end += 1 }
            text.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[offset..<end]))
            offset = end
            switch next {
            case UInt8(ascii: "\""):
                offset += 1
                return text
            case UInt8(ascii: "\\"):
                text.append(try escape())
            default:
                throw problem("a string is not ended")
            }
        }
    }

    private mutating func escape() throws -> UInt8 {
        let rest = UnsafeBufferPointer(rebasing: bytes[offset...])
        if rest.count >= 2, let byte = JSONText.byte(escapedAs: rest[1]) {
            offset += 2
            return byte
        }
        guard rest.count >= 6, rest[1] == UInt8(ascii: "u"), rest[2] == UInt8(ascii: "0"), rest[3] == UInt8(ascii: "0"),
            let high = Hex.value(rest[4]), let low = Hex.value(rest[5])
        else { throw problem("there is no escape as tallyd writes it") }
        let byte = high << 4 | low
        // 0x08 to 0x0D have short forms, all but 0x0B.
        guard byte < 0x20, byte == 0x0B || !(0x08...0x0D).contains(byte) else {
            throw problem("there is no escape as tallyd writes it")
        }
        offset += 6
        return byte
    }

    // MARK: What JSON has no form for

    private mutating func tagged() throws -> ArchiveValue {
        let value: ArchiveValue
        if accept("{\"$real\":") {
            if accept("\"inf\"") {
                value = .real(.infinity)
            } else {
                try expect("\"-inf\"")
                value = .real(-.infinity)
            }
        } else if accept("{\"$blob\":") {
            value = .blob(try base64())
        } else {
            try expect("{\"$text\":")
            let start = offset
            let text = try base64()
            guard !text.withUnsafeBufferPointer({ JSONText.isUTF8($0) }) else {
                offset = start
                throw problem("a text in base64 is UTF-8, and would stand as a string")
            }
            value = .text(text)
        }
        try expect("}")
        return value
    }

    private mutating func accept(_ literal: StaticString) -> Bool {
        let expected = UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount)
        guard starts(with: expected) else { return false }
        offset += expected.count
        return true
    }

    private mutating func base64() throws -> [UInt8] {
        let start = offset
        let text = Data(try quoted())
        // Also refuses set bits behind the last byte and anything that the decoder would pass over.
        guard let decoded = Data(base64Encoded: text), decoded.base64EncodedData() == text else {
            offset = start
            throw problem("there is no base64")
        }
        return Array(decoded)
    }
}
