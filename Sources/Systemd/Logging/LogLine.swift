import Logging

/// One log event as text.
struct LogLine {
    enum Style: Sendable, Equatable {
        case plain
        /// `<N>` first, for systemd.
        case priorities
        case colour
    }

    /// systemd cuts what it collects from a service's output into lines of 48 KiB, and a cut-off rest would have no
    /// `<N>`.
    static let byteLimit = 48 * 1_024

    let timestamp: String
    let level: Logger.Level
    let message: String
    let pairs: [(key: String, value: String)]

    /// The event as complete lines, each with its line break and each below `limit` bytes: one, unless the event is
    /// very long. Every line starts with the same time and level; the second and later go on after an ellipsis.
    func pieces(style: Style, limit: Int = LogLine.byteLimit) -> [[UInt8]] {
        let head = Array(head(style: style).utf8)
        let ellipsis = Array("… ".utf8)
        let room = max(8, limit - head.count - ellipsis.count - 2)
        var rest = body[...]
        var pieces: [[UInt8]] = []
        repeat {
            let part = rest.prefix(UTF8Cut.length(of: rest, atMost: room))
            pieces.append(head + (pieces.isEmpty ? [] : ellipsis) + part + [UInt8(ascii: "\n")])
            rest = rest.dropFirst(part.count)
        } while !rest.isEmpty
        return pieces
    }

    private func head(style: Style) -> String {
        switch style {
        case .plain: "\(timestamp) \(level.column) "
        case .priorities: "<\(level.priority)>\(timestamp) \(level.column) "
        case .colour: "\u{1B}[2m\(timestamp)\u{1B}[0m \u{1B}[\(level.colour)m\(level.column)\u{1B}[0m "
        }
    }

    private var body: [UInt8] {
        var text = Self.escaped(message, quoted: false)
        for (index, pair) in pairs.enumerated() {
            text += index == 0 ? "  " : " "
            text += Self.escaped(pair.key, quoted: false) + "=" + Self.value(pair.value)
        }
        return Array(text.utf8)
    }

    /// In quotes where a reader, or a script that splits at blanks, could not tell where the value ends.
    private static func value(_ text: String) -> String {
        let needsQuotes = text.isEmpty || text.contains { $0 == " " || $0 == "\"" || $0 == "=" }
        return needsQuotes ? "\"\(escaped(text, quoted: true))\"" : escaped(text, quoted: false)
    }

    /// Keeps the event on one line, and keeps others' text from steering the terminal.
    private static func escaped(_ text: String, quoted: Bool) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result.append(contentsOf: "\\n".unicodeScalars)
            case "\r": result.append(contentsOf: "\\r".unicodeScalars)
            case "\t": result.append(contentsOf: "\\t".unicodeScalars)
            case "\"" where quoted: result.append(contentsOf: "\\\"".unicodeScalars)
            case "\\" where quoted: result.append(contentsOf: "\\\\".unicodeScalars)
            case _ where isUnseen(scalar):
                result.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
            default: result.append(scalar)
            }
        }
        return String(result)
    }

    private static func isUnseen(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
