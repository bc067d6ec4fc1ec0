import Scheduling

/// Ids of the rows of one write, such as `01ka2r5jg7c4000f`: time, a random part, a counter.
///
/// They rise with the time and within a write, so that the primary key's index grows at its end: a random id would touch a page of that
/// index for each row. Sixteen characters, and not a UUID's 36, since 30 days hold 6.5 million of them, twice each: 260 MB less.
struct MetricID {
    /// RFC 4648, section 7: in these digits texts sort as the numbers do.
    private static let digits = Array("0123456789abcdefghijklmnopqrstuv".utf8)
    /// Of a write; the counter has fifteen bits.
    static let mostRows = 1 << 15
    static let salts: Range<UInt32> = 0..<(1 << 20)

    private let prefix: [UInt8]

    /// - Parameters:
    ///   - time: 45 bits of it, which last to the year 3084; what lies outside is cut off.
    ///   - salt: one of `salts`, tells writes of the same millisecond apart: after the clock was set back, say.
    init(at time: Instant, salt: UInt32) {
        prefix = Self.text(UInt64(max(0, time.milliseconds)), 9) + Self.text(UInt64(salt), 4)
    }

    subscript(row: Int) -> String {
        String(decoding: prefix + Self.text(UInt64(row), 3), as: UTF8.self)
    }

    private static func text(_ value: UInt64, _ width: Int) -> [UInt8] {
        (0..<width).map { digits[Int(value >> (5 * UInt64(width - 1 - $0)) & 31)] }
    }
}
