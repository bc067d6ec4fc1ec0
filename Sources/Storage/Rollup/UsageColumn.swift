import Foundation
import GRDBSQLite
import Scheduling

/// One column of the row that a statement stands on, read by what it holds.
///
/// One look-up a column: sqlite3_column_value, and from there functions that take no lock. sqlite.org/c3ref/column_blob.html calls such a
/// value unprotected, which is fine here: a connection is used by one queue at a time. Valid until the statement's next step.
struct UsageColumn {
    private let value: OpaquePointer?

    @inline(__always)
    init(_ statement: OpaquePointer, _ column: Int32) {
        value = sqlite3_column_value(statement, column)
    }

    /// The bytes of a text; of a number, those of its text.
    @inline(__always)
    var bytes: UnsafeBufferPointer<UInt8> {
        // The text first, then its length: the same page asks for that order.
        let start = sqlite3_value_text(value)
        return UnsafeBufferPointer(start: start, count: Int(sqlite3_value_bytes(value)))
    }

    /// The text, with what is no UTF-8 replaced.
    var string: String { String(decoding: bytes, as: UTF8.self) }

    /// The number of a text in the interner; nil for what can be no key.
    @inline(__always)
    func key(in interner: KeyInterner) -> UInt32? {
        guard sqlite3_value_type(value) == SQLITE_TEXT else { return nil }
        let bytes = bytes
        guard bytes.count <= KeyInterner.longestKeyBytes else { return nil }
        let number = interner.intern(bytes)
        return interner.keys[Int(number)].isUsable ? number : nil
    }

    /// An integer from 0 to the limit.
    @inline(__always)
    func integer(upTo limit: Int64) -> Int64? {
        guard sqlite3_value_type(value) == SQLITE_INTEGER else { return nil }
        let number = sqlite3_value_int64(value)
        return number >= 0 && number <= limit ? number : nil
    }

    @inline(__always)
    var real: Double? {
        sqlite3_value_type(value) == SQLITE_FLOAT ? sqlite3_value_double(value) : nil
    }

    @inline(__always)
    var isSuccess: Bool {
        guard sqlite3_value_type(value) == SQLITE_TEXT else { return false }
        let text = bytes
        return text.count == Self.success.utf8CodeUnitCount
            && text.baseAddress.map { memcmp($0, Self.success.utf8Start, Self.success.utf8CodeUnitCount) == 0 } ?? false
    }

    // A StaticString: a String would be copied to a C string for every row, which cost a third of reading it (measured).
    private static let success: StaticString = "success"

    /// What created_at means; nil when it can't be read.
    @inline(__always)
    var instant: Instant? {
        switch sqlite3_value_type(value) {
        case SQLITE_TEXT: Instant(iso8601: bytes)
        case SQLITE_INTEGER, SQLITE_FLOAT: Instant(unix: sqlite3_value_double(value))
        default: nil
        }
    }
}
