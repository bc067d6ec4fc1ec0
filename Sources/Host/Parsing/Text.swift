// The files of /proc and of cgroups are lines of fields, small and ASCII where we look. They are read as bytes, in place:
// no line becomes a String, only the few names that a sample carries. A number that isn't one (a sign, a letter, more than
// 64 bits) is nil and never zero.

extension Span where Element == UInt8 {
    /// Calls `body` for each line, without its newline; a last line that was cut off counts too.
    func forEachLine(_ body: (Span<UInt8>) -> Void) {
        var start = 0
        for index in 0..<count where self[index] == UInt8(ascii: "\n") {
            body(extracting(start..<index))
            start = index + 1
        }
        if start < count { body(extracting(start..<count)) }
    }

    /// The bytes as text; what isn't UTF-8 shows as U+FFFD.
    func text(_ range: Range<Int>) -> String {
        extracting(range).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }

    /// A whole number in decimal, 0 up to 2⁶⁴ − 1.
    func wholeNumber(_ range: Range<Int>) -> UInt64? {
        guard !range.isEmpty else { return nil }
        var value: UInt64 = 0
        for index in range {
            let digit = self[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            let (product, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, isTooLargeAgain) = product.addingReportingOverflow(UInt64(digit))
            guard !isTooLarge, !isTooLargeAgain else { return nil }
            value = sum
        }
        return value
    }

    /// A number such as `0.67`: whole digits, and maybe a point and more digits. No sign, no exponent, no `nan`.
    func fractionalNumber(_ range: Range<Int>) -> Double? {
        guard let point = range.first(where: { self[$0] == UInt8(ascii: ".") }) else {
            return wholeNumber(range).map { Double($0) }
        }
        let decimals = point + 1..<range.upperBound
        // Ten to the eighteenth is the last power that 64 bits of digits can mean anything for.
        guard decimals.count <= 18, let whole = wholeNumber(range.lowerBound..<point), let part = wholeNumber(decimals)
        else { return nil }
        var scale = 1.0
        for _ in decimals { scale *= 10 }
        return Double(whole) + Double(part) / scale
    }

    func starts(with prefix: StaticString) -> Bool {
        guard count >= prefix.utf8CodeUnitCount else { return false }
        for index in 0..<prefix.utf8CodeUnitCount where self[index] != prefix.utf8Start[index] { return false }
        return true
    }
}

/// Walks the fields of one line, which blanks and tabs part; so do newlines, for files of one line that are walked whole.
/// It holds a place and no text: each call takes the same line.
struct FieldWalk {
    private(set) var position = 0

    init(from position: Int = 0) {
        self.position = position
    }

    mutating func next(in line: Span<UInt8>) -> Range<Int>? {
        while position < line.count, Self.isBlank(line[position]) { position += 1 }
        let start = position
        while position < line.count, !Self.isBlank(line[position]) { position += 1 }
        return start < position ? start..<position : nil
    }

    mutating func word(in line: Span<UInt8>) -> String? {
        next(in: line).map { line.text($0) }
    }

    /// Nil at the line's end, and for a field that is no whole number.
    mutating func number(in line: Span<UInt8>) -> UInt64? {
        next(in: line).flatMap { line.wholeNumber($0) }
    }

    mutating func skip(_ fields: Int, in line: Span<UInt8>) {
        for _ in 0..<fields { _ = next(in: line) }
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\n")
    }
}
