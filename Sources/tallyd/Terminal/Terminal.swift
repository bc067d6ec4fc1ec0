import Foundation

/// What the process's own terminal is like, and the two streams that people read.
enum Terminal {
    static var hasOutput: Bool { isatty(STDOUT_FILENO) == 1 }
    static var hasErrors: Bool { isatty(STDERR_FILENO) == 1 }
    /// Whether somebody is there to answer.
    static var canAsk: Bool { isatty(STDIN_FILENO) == 1 && hasErrors }

    /// Asks for a yes, on standard error, so that output can be piped. Everything else is a no, also the end of the input.
    static func confirms(_ question: String) -> Bool {
        FileHandle.standardError.write(Data("\(question.printable) [y/N] ".utf8))
        return ["y", "yes"].contains(readLine()?.lowercased())
    }

    /// Columns: as the terminal says, else as COLUMNS says, else 80.
    static var width: Int {
        var size = winsize()
        for descriptor in [STDOUT_FILENO, STDERR_FILENO] where ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 {
            if size.ws_col > 0 { return Int(size.ws_col) }
        }
        return ProcessInfo.processInfo.environment["COLUMNS"].flatMap { Int($0) }.map { min(max($0, 20), 1_000) } ?? 80
    }

    /// Whether it says that its characters are UTF-8, by the first of the variables that is set (POSIX.1-2017, section 8.2).
    static var showsUnicode: Bool { showsUnicode(ProcessInfo.processInfo.environment) }

    static func showsUnicode(_ environment: [String: String]) -> Bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        return locale.lowercased().contains("utf-8") || locale.lowercased().contains("utf8")
    }

    /// An error or a notice, on standard error, a line each, under the program's name.
    static func complain(_ text: String) {
        let lines = text.split(separator: "\n").map { "tallyd: \(String($0).printable)\n" }
        FileHandle.standardError.write(Data(lines.joined().utf8))
    }
}

extension String {
    /// As a terminal may be given it: control characters, line breaks and the marks that turn the writing direction around are spelt out.
    /// User ids and models are what strangers sent to the gateway.
    var printable: String {
        guard unicodeScalars.contains(where: \.isTreacherous) else { return self }
        return unicodeScalars.map { $0.isTreacherous ? "\\u{\(String($0.value, radix: 16))}" : String($0) }.joined()
    }
}

extension Unicode.Scalar {
    var isTreacherous: Bool {
        switch properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        // UAX #9, section 2: embeddings, overrides, isolates and the implicit marks.
        default:
            [0x061C, 0x200E, 0x200F].contains(value) || (0x202A...0x202E).contains(value)
                || (0x2066...0x2069).contains(value)
        }
    }
}
