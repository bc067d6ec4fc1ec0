import Foundation

/// A line on the terminal that counts up in place. Silent when standard error is no terminal.
struct ProgressLine {
    private let what: String
    private let total: Int
    private let isTerminal = isatty(STDERR_FILENO) == 1

    init(_ what: String, total: Int) {
        self.what = what
        self.total = total
    }

    func show(_ done: Int) {
        guard isTerminal else { return }
        let width = 30
        let filled = width * done / max(total, 1)
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        write("\r\(what) \(bar) \(done) of \(total)")
    }

    /// Leaves the terminal on a fresh line.
    func end() {
        guard isTerminal else { return }
        write("\n")
    }

    private func write(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }
}
