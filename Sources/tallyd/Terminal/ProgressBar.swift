import Foundation
import Storage
import Synchronization

/// One line on the terminal that says how far long work is. On standard error, so that output can be piped; silent where that is no
/// terminal; drawn ten times a second at most, since work reports far more often.
final class ProgressBar: Sendable {
    private struct State {
        var drawnAt: UInt64 = 0
        var isDrawn = false
    }

    private let state = Mutex(State())
    private let isShown: Bool

    private static let barWidth = 24
    private static let interval: UInt64 = 100_000_000

    init(isShown: Bool = Terminal.hasErrors) {
        self.isShown = isShown
    }

    /// - Parameter fraction: 0 to 1; nil where nobody knows.
    func show(_ text: String, fraction: Double? = nil) {
        guard isShown else { return }
        let now = MonotonicClock.nanoseconds()
        state.withLock { state in
            guard !state.isDrawn || now - state.drawnAt >= Self.interval else { return }
            state.drawnAt = now
            state.isDrawn = true
            Self.write("\r\u{1B}[K" + Self.line(text, fraction, width: Terminal.width))
        }
    }

    /// Leaves the terminal as if it had not been there.
    func clear() {
        state.withLock { state in
            guard state.isDrawn else { return }
            state = State()
            Self.write("\r\u{1B}[K")
        }
    }

    static func line(_ text: String, _ fraction: Double?, width: Int) -> String {
        // A line of the terminal's full width would wrap, and clearing it would leave a part.
        let text = text.printable
        guard let fraction else { return String(text.prefix(width - 1)) }
        let share = min(max(fraction, 0), 1)
        let bar = Bar.text(share, width: barWidth)
        let rest = String(repeating: "░", count: max(0, barWidth - bar.count))
        return String("\(bar)\(rest) \(Int(share * 100)) %  \(text)".prefix(width - 1))
    }

    private static func write(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }
}
