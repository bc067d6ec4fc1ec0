import GRDBSQLite

/// One row as one line of JSON, and back.
///
/// A line is an object with the columns as keys, in their order, without white space, ended by a newline (jsonlines.org). It is **canonical**: the
/// same stored values always give the same bytes, so that an archive can be compared by its SHA-256. And it is **lossless**: storage
/// class and value come back exactly.
///
/// | stored | in the line |
/// |---|---|
/// | NULL | `null` |
/// | INTEGER | a number of digits alone |
/// | REAL | the shortest decimal that reads back as the same Double, always with `.` or `e`; `{"$real":"inf"}` and `{"$real":"-inf"}` |
/// | TEXT | a string, escaped as RFC 8785 says (section 3.2.2.2); what is no UTF-8 is `{"$text":"<base64>"}` |
/// | BLOB | `{"$blob":"<base64>"}` |
///
/// A value that is an object is always one of these: SQLite has no storage class that would be written as one. What a database in UTF-16 holds is
/// written as SQLite gives it in UTF-8.
package struct ArchiveLine: Sendable {
    /// The keys of each line, in their order.
    package let columns: [String]
    /// Per column the bytes before its value: `{"id":`, then `,"user_id":` and so on, one behind the other.
    private let heads: ContiguousArray<UInt8>
    /// Where each column's head ends in `heads`.
    private let headEnds: ContiguousArray<Int>

    /// A line longer than this is neither written nor read: 64 MiB, so that a text of 10 MB fits even if each of its bytes takes the six of `\u0000`.
    package static let longestLineBytes = 64 * 1_024 * 1_024

    package init(columns: [String]) {
        self.columns = columns
        var heads: ContiguousArray<UInt8> = []
        var ends: ContiguousArray<Int> = []
        for column in columns {
            heads.append(ends.isEmpty ? UInt8(ascii: "{") : UInt8(ascii: ","))
            LineBuffer.append(to: &heads) { head in
                ContiguousArray(column.utf8).withUnsafeBufferPointer { JSONText.append($0, to: &head) }
            }
            heads.append(UInt8(ascii: ":"))
            ends.append(heads.count)
        }
        self.heads = heads
        headEnds = ends
    }

    /// Calls `body` with the bytes before each column's value, in their order.
    @inline(__always)
    func forEachHead(_ body: (UnsafeBufferPointer<UInt8>) throws -> Void) rethrows {
        try heads.withUnsafeBufferPointer { heads in
            var start = 0
            for end in headEnds {
                try body(UnsafeBufferPointer(rebasing: heads[start..<end]))
                start = end
            }
        }
    }

    func firstHead(_ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        guard let end = headEnds.first else { return }
        heads.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[..<end])) }
    }

    /// Appends the row that the statement stands on, newline included.
    ///
    /// - Parameters:
    ///   - column: the statement's column that holds the first of `columns`; the others follow it.
    /// - Throws: `StorageError` when SQLite has no memory for a value. Then `bytes` are as they were.
    package func append(
        _ statement: OpaquePointer, from column: Int32, to bytes: inout ContiguousArray<UInt8>
    ) throws {
        let start = bytes.count
        do {
            try LineBuffer.append(to: &bytes) { line in
                var index = column
                try forEachHead { head in
                    line.append(contentsOf: head)
                    try Self.append(sqlite3_column_value(statement, index), to: &line)
                    index += 1
                }
                line.append(columns.isEmpty ? "{}\n" : "}\n")
            }
        } catch {
            bytes.removeSubrange(start...)
            throw error
        }
    }

    /// sqlite3_column_value and from there functions that take no lock, as `UsageColumn` does.
    @inline(__always)
    private static func append(_ value: OpaquePointer?, to line: inout LineBuffer) throws {
        switch sqlite3_value_type(value) {
        case SQLITE_INTEGER:
            append(sqlite3_value_int64(value), to: &line)
        case SQLITE_TEXT:
            // The text first, then its length, which counts a NUL within it like any other byte (sqlite.org/c3ref/column_blob.html).
            guard let start = sqlite3_value_text(value) else { throw outOfMemory() }
            append(text: UnsafeBufferPointer(start: start, count: Int(sqlite3_value_bytes(value))), to: &line)
        case SQLITE_FLOAT:
            append(sqlite3_value_double(value), to: &line)
        case SQLITE_BLOB:
            let start = sqlite3_value_blob(value)
            let count = Int(sqlite3_value_bytes(value))
            // The empty blob has no address.
            guard start != nil || count == 0 else { throw outOfMemory() }
            JSONText.append(tag: "$blob", base64: UnsafeRawBufferPointer(start: start, count: count), to: &line)
        default:
            line.append("null")
        }
    }

    private static func append(text: UnsafeBufferPointer<UInt8>, to line: inout LineBuffer) {
        let plain = JSONText.plainPrefix(text, from: 0)
        if plain == text.count {
            line.append(UInt8(ascii: "\""))
            line.append(contentsOf: text)
            line.append(UInt8(ascii: "\""))
        } else if JSONText.isUTF8(text) {
            JSONText.append(text, to: &line)
        } else {
            JSONText.append(tag: "$text", base64: UnsafeRawBufferPointer(text), to: &line)
        }
    }

    /// Swift's description of a Double is the shortest that reads back as the same, has a `.` or an `e`, keeps the sign of -0.0, and knows no locale.
    private static func append(_ number: Double, to line: inout LineBuffer) {
        // SQLite stores no NaN: it makes NULL of it (sqlite.org/floatingpoint.html).
        if number.isInfinite {
            line.append(number < 0 ? "{\"$real\":\"-inf\"}" : "{\"$real\":\"inf\"}")
        } else {
            var text = number.description
            text.withUTF8 { line.append(contentsOf: $0) }
        }
    }

    @inline(__always)
    private static func append(_ number: Int64, to line: inout LineBuffer) {
        // Small counts and zeros are most of what usage rows hold.
        if number >= 0, number < 10 {
            line.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number))
            return
        }
        // 20 bytes: a sign and the 19 digits of Int64.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var rest = number.magnitude
            var first = digits.count
            repeat {
                let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
                first -= 1
                digits[first] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
                rest = quotient
            } while rest > 0
            if number < 0 {
                first -= 1
                digits[first] = UInt8(ascii: "-")
            }
            line.append(contentsOf: UnsafeBufferPointer(rebasing: digits[first...]))
        }
    }

    private static func outOfMemory() -> StorageError {
        StorageError(
            .archiveFailed, cannot: "archive", "a row", because: "SQLite has no memory for one of its values",
            remedy: "Give tallyd more memory (MemoryMax= of its unit); nothing of the row was written.")
    }
}
