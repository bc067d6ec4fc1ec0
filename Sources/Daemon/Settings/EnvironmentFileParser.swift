/// Reads the text of an environment file a byte at a time, by the rules of systemd.exec(5) and, where that is silent, as
/// systemd 252 to 257 do it (deploy/e2e compares the two).
///
/// Four things are errors here that systemd passes over, since each of them loses a setting silently: a line about ours
/// without "=", a name of ours that is none ("export TALLYD_…"), a quote that is never closed (it swallows the rest of the
/// file), and a comment that ends with a backslash before a line of variables (a comment line longer up to 253, and not so
/// from 254 on).
struct EnvironmentFileParser {
    struct Problem: Hashable {
        /// From 1.
        let line: Int
        let sentence: String
    }

    private(set) var variables: [String: String] = [:]
    private(set) var problems: [Problem] = []

    private enum State {
        case beforeName
        case name
        /// After "=", and between quoted parts of a value.
        case beforeValue
        case value
        case valueEscape
        case singleQuoted
        case doubleQuoted
        case doubleQuotedEscape
        case comment
        case commentEscape
        /// The line after a comment that ended with a backslash.
        case afterContinuedComment
    }

    private var state = State.beforeName
    private var name: [UInt8] = []
    private var value: [UInt8] = []
    /// How much of `value` stays when white space at its end is dropped: escaped and quoted white space counts as text.
    private var solidLength = 0
    private var line = 1
    /// Where the present variable, quote or comment began.
    private var nameLine = 1
    private var quoteLine = 1

    mutating func parse(_ bytes: [UInt8]) {
        for byte in bytes {
            guard byte != 0 else {
                problem(line, "holds a NUL byte, so systemd refuses the whole file; it is no text, write it anew")
                return
            }
            take(byte)
            if byte == .lineFeed { line += 1 }
        }
        end()
    }

    private mutating func take(_ byte: UInt8) {
        switch state {
        case .beforeName: begin(with: byte)
        case .name: takeName(byte)
        case .beforeValue: takeBeforeValue(byte)
        case .value: takeValue(byte)
        case .valueEscape:
            // A line break that is escaped vanishes with its backslash.
            if !byte.isLineBreak { appendSolid(byte) }
            state = .value
        case .singleQuoted:
            if byte == .quote { state = .beforeValue } else { appendSolid(byte) }
        case .doubleQuoted:
            switch byte {
            case .doubleQuote: state = .beforeValue
            case .backslash: state = .doubleQuotedEscape
            default: appendSolid(byte)
            }
        case .doubleQuotedEscape:
            if byte != .lineFeed {
                if !byte.isEscapable { appendSolid(.backslash) }
                appendSolid(byte)
            }
            state = .doubleQuoted
        case .comment:
            if byte.isLineBreak { state = .beforeName } else if byte == .backslash { state = .commentEscape }
        case .commentEscape:
            state = byte.isLineBreak ? .afterContinuedComment : .comment
        case .afterContinuedComment:
            if byte.isLineBreak {
                state = .beforeName
            } else if byte.isComment {
                state = .comment
            } else if !byte.isBlank {
                problem(
                    line,
                    "follows a comment that ends with a backslash, and systemd before 254 takes it for a part of that "
                        + "comment; remove the backslash")
                begin(with: byte)
            }
        }
    }

    private mutating func begin(with byte: UInt8) {
        if byte.isComment {
            state = .comment
        } else if !byte.isBlank {
            (name, value, solidLength, nameLine) = ([byte], [], 0, line)
            state = .name
            // A line that begins with "=" has no name, yet goes on like any other.
        }
    }

    private mutating func takeName(_ byte: UInt8) {
        if byte.isLineBreak {
            refuseLostLine()
            state = .beforeName
        } else if byte == .equals {
            state = .beforeValue
        } else {
            name.append(byte)
        }
    }

    private mutating func takeBeforeValue(_ byte: UInt8) {
        switch byte {
        case _ where byte.isLineBreak: finish()
        case .quote: openQuote(.singleQuoted)
        case .doubleQuote: openQuote(.doubleQuoted)
        case .backslash: state = .valueEscape
        case _ where byte.isBlank: break
        default:
            appendSolid(byte)
            state = .value
        }
    }

    private mutating func takeValue(_ byte: UInt8) {
        if byte.isLineBreak {
            value.removeSubrange(solidLength...)
            finish()
        } else if byte == .backslash {
            // White space before an escape is inside of the value.
            solidLength = value.count
            state = .valueEscape
        } else if byte.isBlank {
            value.append(byte)
        } else {
            appendSolid(byte)
        }
    }

    private mutating func openQuote(_ kind: State) {
        quoteLine = line
        state = kind
    }

    private mutating func appendSolid(_ byte: UInt8) {
        value.append(byte)
        solidLength = value.count
    }

    private mutating func end() {
        switch state {
        case .beforeName, .comment, .commentEscape, .afterContinuedComment: break
        case .name: refuseLostLine()
        case .singleQuoted, .doubleQuoted, .doubleQuotedEscape:
            problem(quoteLine, "opens a quote that is never closed, which swallows the rest of the file; close it")
        case .beforeValue, .valueEscape: finish()
        case .value:
            value.removeSubrange(solidLength...)
            finish()
        }
    }

    /// A variable is complete.
    private mutating func finish() {
        state = .beforeName
        guard let name = String(validating: Self.trimmed(name), as: UTF8.self),
            let text = String(validating: value, as: UTF8.self)
        else {
            problem(nameLine, "is not UTF-8, so systemd refuses the whole file; save it as UTF-8")
            return
        }
        if Self.isName(name) {
            variables[name] = text
        } else if Self.isAboutUs(name) {
            // The name is a text of the file's own: it goes through the reading's filter for control characters.
            let meant = name.split(whereSeparator: \.isWhitespace).last.map(String.init) ?? name
            problem(
                nameLine,
                "\"\(name.prefix(60))\" is no name of a variable, and systemd passes over the line; "
                    + (Self.isName(meant) && meant != name
                        ? "write \(meant)=… alone" : "write TALLYD_ and capitals before the \"=\""))
        }
    }

    /// systemd drops a line without "=" silently.
    private mutating func refuseLostLine() {
        guard let text = String(validating: name, as: UTF8.self), Self.isAboutUs(text) else { return }
        problem(nameLine, "has no \"=\", and systemd passes over it; write NAME=value, or # before a comment")
    }

    private mutating func problem(_ line: Int, _ sentence: String) {
        problems.append(Problem(line: line, sentence: sentence))
    }

    /// environ(7)'s names, as systemd checks them.
    private static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return text.utf8.allSatisfy { byte in
            byte == UInt8(ascii: "_") || (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                || (0x61...0x7A).contains(byte)
        }
    }

    private static func isAboutUs(_ text: String) -> Bool { text.uppercased().contains("TALLYD_") }

    private static func trimmed(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
        var end = bytes.count
        while end > 0, bytes[end - 1].isBlank { end -= 1 }
        return bytes[..<end]
    }
}

extension UInt8 {
    fileprivate static let lineFeed = UInt8(ascii: "\n")
    fileprivate static let equals = UInt8(ascii: "=")
    fileprivate static let quote = UInt8(ascii: "'")
    fileprivate static let doubleQuote = UInt8(ascii: "\"")
    fileprivate static let backslash = UInt8(ascii: "\\")

    fileprivate var isLineBreak: Bool { self == .lineFeed || self == UInt8(ascii: "\r") }
    fileprivate var isBlank: Bool { isLineBreak || self == UInt8(ascii: " ") || self == UInt8(ascii: "\t") }
    fileprivate var isComment: Bool { self == UInt8(ascii: "#") || self == UInt8(ascii: ";") }
    /// What a backslash inside of double quotes is taken off from, as in a shell.
    fileprivate var isEscapable: Bool {
        self == .doubleQuote || self == .backslash || self == UInt8(ascii: "`") || self == UInt8(ascii: "$")
    }
}
