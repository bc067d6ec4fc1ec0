import Foundation

/// A daemon's answer to a request: one line of JSON, `{"version":1,"status":0,"lines":["nothing has changed"]}`.
package struct ControlReply: Hashable, Sendable {
    /// What the asking process is to end with, by sysexits.h: 0 done, 64 not understood, 66 no such job, 69 the
    /// daemon of another database, 75 not now, 77 not allowed, 78 a setting is wrong.
    package let status: Int32
    /// For people; none has a line break.
    package let lines: [String]

    /// - Parameter lines: those that hold line breaks are split.
    package init(status: Int32 = 0, lines: [String]) {
        self.status = status
        self.lines = lines.flatMap { $0.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) }
    }

    /// The daemon that was reached works on another database than the request says.
    static let anotherDatabase: Int32 = 69

    private struct Form: Codable {
        var version: Int
        var status: Int32
        var lines: [String]
    }

    /// Longer lines are cut, so that a reply of some lines always fits.
    private static let lineLimit = 1_000

    /// With its line break, and never above `ControlLine.limit`: what does not fit is counted in a last line.
    package func line() throws -> [UInt8] {
        let kept = lines.map { $0.count > Self.lineLimit ? $0.prefix(Self.lineLimit) + "…" : $0 }
        for count in stride(from: kept.count, through: 0, by: -max(1, kept.count / 16)) {
            let rest = kept.count - count
            let shown = kept.prefix(count) + (rest > 0 ? ["… and \(rest) lines more"] : [])
            let bytes = try ControlLine.encode(
                Form(version: ControlRequest.version, status: status, lines: Array(shown)))
            if bytes.count <= ControlLine.limit { return bytes }
        }
        return try ControlLine.encode(Form(version: ControlRequest.version, status: status, lines: []))
    }

    /// - Parameter line: without its line break.
    /// - Returns: nil for anything but a reply of this version.
    package init?(line: [UInt8]) {
        guard let form = try? JSONDecoder().decode(Form.self, from: Data(line)),
            form.version == ControlRequest.version, (0...255).contains(form.status)
        else { return nil }
        self.init(status: form.status, lines: form.lines)
    }
}
