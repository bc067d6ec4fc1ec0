package import Scheduling

/// The wait that a response's Retry-After header asks for. RFC 9110 section 10.2.3.
package enum RetryAfter {
    package static let longest: Duration = .seconds(86_400)

    /// From zero, which a date in the past means, up to a day, which anything longer is cut to. Nil for what is neither a
    /// number of whole seconds nor a date: a receiver that cannot write one is not obeyed by guessing.
    package static func wait(_ header: String, at now: Instant) -> Duration? {
        // RFC 9110 section 5.5: spaces and tabs around a value are not part of it.
        let isBlank = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
        let bytes = Substring(header).utf8
        guard bytes.count <= 100, bytes.allSatisfy({ (0x20...0x7E).contains($0) || $0 == 0x09 }),
            let start = bytes.firstIndex(where: { !isBlank($0) }),
            let end = bytes.lastIndex(where: { !isBlank($0) })
        else { return nil }
        let text = header[start...end]
        if text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            // More digits than a number holds are many seconds all the same.
            return min(.seconds(Int64(text) ?? .max), longest)
        }
        guard let date = HTTPDate.parse(text, at: now) else { return nil }
        let (milliseconds, overflow) = date.milliseconds.subtractingReportingOverflow(now.milliseconds)
        return overflow ? nil : min(max(.milliseconds(milliseconds), .zero), longest)
    }
}
