package import Logging

/// Makes the log handlers of one process. The program hands it to swift-log once:
/// `LoggingSystem.bootstrap { factory.makeHandler(label: $0) }`.
package struct LogHandlerFactory: Sendable {
    private let make: @Sendable (String) -> any LogHandler
    private let writer: JournalWriter?
    /// The level of all its handlers, those made already among them.
    package let threshold: LogThreshold

    init(writer: JournalWriter?, threshold: LogThreshold, make: @escaping @Sendable (String) -> any LogHandler) {
        self.writer = writer
        self.threshold = threshold
        self.make = make
    }

    /// - Parameter label: the logger's label.
    package func makeHandler(label: String) -> any LogHandler {
        make(label)
    }

    /// Waits until the journal has what was logged so far; lines on a descriptor are out already.
    ///
    /// - Returns: false when it did not take everything within `limit`.
    @discardableResult
    package func flush(within limit: Duration = .seconds(1)) -> Bool {
        writer?.flush(within: limit) ?? true
    }
}
