/// Reads the text of a stored histogram, one bucket after the other: `{"12":3,"40":-1}`, with white space anywhere between the parts.
struct HistogramReader {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var index = 0
    private var isFirst = true

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    /// Nil at the end.
    ///
    /// - Throws: `StorageError` of kind `corrupt` at the first byte that no histogram of ours has.
    mutating func next() throws -> (bucket: Int, requests: Int64)? {
        if isFirst { try expect("{") }
        let isOver = sees("}")
        if isOver {
            index += 1
            guard peek() == nil else { throw damaged }
            return nil
        }
        if !isFirst { try expect(",") }
        isFirst = false
        try expect("\"")
        let bucket = try number()
        try expect("\"")
        try expect(":")
        let requests = try number()
        guard bucket >= 0, bucket < 2_048 else { throw damaged }
        return (Int(bucket), requests)
    }

    /// The next byte that is no white space; nil at the end.
    private mutating func peek() -> UInt8? {
        while index < bytes.count, bytes[index] == 0x20 || (0x09...0x0D).contains(bytes[index]) { index += 1 }
        return index < bytes.count ? bytes[index] : nil
    }

    private mutating func sees(_ character: Unicode.Scalar) -> Bool {
        peek() == UInt8(ascii: character)
    }

    private mutating func expect(_ character: Unicode.Scalar) throws {
        guard sees(character) else { throw damaged }
        index += 1
    }

    private mutating func number() throws -> Int64 {
        let isNegative = sees("-")
        if isNegative { index += 1 }
        let start = index
        var value: Int64 = 0
        while index < bytes.count, bytes[index] &- 48 < 10 {
            let (tenfold, over) = value.multipliedReportingOverflow(by: 10)
            let (sum, more) = tenfold.addingReportingOverflow(Int64(bytes[index] &- 48))
            guard !over, !more else { throw damaged }
            value = sum
            index += 1
        }
        guard index > start else { throw damaged }
        return isNegative ? -value : value
    }

    private var damaged: StorageError {
        StorageError(
            .corrupt, cannot: "read", "a histogram in usage_latency_histograms",
            because: "byte \(index) of its text is not what tallyd writes there",
            remedy: "Delete that row and run `tallyd rollup rebuild` for its day.")
    }
}
