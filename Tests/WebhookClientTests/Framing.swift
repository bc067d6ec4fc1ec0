extension HostileReceiver {
    /// How many of the bytes are one request, head and body; nil where it is not whole.
    typealias Framing = @Sendable ([UInt8]) -> Int?

    static let http1: Framing = { bytes in
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).lowercased()
        let field = head.split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
        let length = field.flatMap { Int($0.dropFirst(15).drop { $0 == " " }) } ?? 0
        return bytes.count >= end.upperBound + length ? end.upperBound + length : nil
    }

    /// Up to the end of a head, of which a body may follow that is never read as one.
    static let http1Heads: Framing = { bytes in
        guard let start = bytes.firstRange(of: Array("POST ".utf8)) else { return nil }
        return bytes[start.upperBound...].firstRange(of: Array("\r\n\r\n".utf8))?.upperBound
    }

    /// Up to a frame that ends a stream: RFC 9113 sections 3.4 and 4.1.
    static let http2: Framing = { bytes in
        var start = bytes.starts(with: Array("PRI ".utf8)) ? 24 : 0
        while bytes.count >= start + 9 {
            let length = bytes[start..<(start + 3)].reduce(0) { $0 << 8 | Int($1) }
            let end = start + 9 + length
            guard bytes.count >= end else { return nil }
            let isOfStream = bytes[start + 3] <= 1
            if isOfStream, bytes[start + 4] & 1 == 1 { return end }
            start = end
        }
        return nil
    }

    /// Up to the head of a request, of which a body may follow that is never read as one.
    static let http2Heads: Framing = { bytes in
        var start = bytes.starts(with: Array("PRI ".utf8)) ? 24 : 0
        while bytes.count >= start + 9 {
            let end = start + 9 + bytes[start..<(start + 3)].reduce(0) { $0 << 8 | Int($1) }
            guard bytes.count >= end else { return nil }
            if bytes[start + 3] == 1 { return end }
            start = end
        }
        return nil
    }
}

/// Frames of HTTP/2 as bytes.
enum Frame {
    static let settings = frame(4, flags: 0, stream: 0, [])
    /// A stream has room for nothing of a body until it is given some: RFC 9113 section 6.5.2, SETTINGS_INITIAL_WINDOW_SIZE.
    static let noWindow = frame(4, flags: 0, stream: 0, [0, 4, 0, 0, 0, 0])
    static let ping = frame(6, flags: 0, stream: 0, Array(repeating: 0, count: 8))

    static func frame(_ type: UInt8, flags: UInt8, stream: UInt32, _ payload: [UInt8]) -> [UInt8] {
        let length = UInt32(payload.count)
        return Array(bytes(length).dropFirst()) + [type, flags] + bytes(stream) + payload
    }

    /// A whole block: one field that every decoder's static table has the name of (RFC 7541 appendix A).
    static func status(_ status: Int, stream: UInt32, isLast: Bool = false) -> [UInt8] {
        head("\(status)", stream: stream, isLast: isLast)
    }

    /// The same with a status of any form.
    static func head(_ status: String, stream: UInt32, isLast: Bool = false) -> [UInt8] {
        frame(1, flags: isLast ? 5 : 4, stream: stream, [0x08, UInt8(status.utf8.count)] + Array(status.utf8))
    }

    /// Of a GET of https's "/", on a stream of the peer's.
    static func promise(_ promised: UInt32, stream: UInt32) -> [UInt8] {
        frame(5, flags: 4, stream: stream, bytes(promised) + [0x82, 0x87, 0x84])
    }

    static func data(_ text: String, stream: UInt32, isLast: Bool = true) -> [UInt8] {
        frame(0, flags: isLast ? 1 : 0, stream: stream, Array(text.utf8))
    }

    static func windowUpdate(stream: UInt32, by count: UInt32) -> [UInt8] {
        frame(8, flags: 0, stream: stream, bytes(count))
    }

    static func goAway(last: UInt32, code: UInt32) -> [UInt8] {
        frame(7, flags: 0, stream: 0, bytes(last) + bytes(code))
    }

    static func reset(stream: UInt32, code: UInt32) -> [UInt8] {
        frame(3, flags: 0, stream: stream, bytes(code))
    }

    static func bytes(_ number: UInt32) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }
}
