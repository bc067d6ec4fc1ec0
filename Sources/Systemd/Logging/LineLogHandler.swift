package import Logging

/// Logs readable lines: time, level, the constant message, then `key=value`.
package struct LineLogHandler: LogHandler {
    /// The process's threshold, until a logger sets a level of its own.
    package var logLevel: Logger.Level {
        get { ownLevel ?? threshold.level }
        set { ownLevel = newValue }
    }
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?

    private var ownLevel: Logger.Level?
    private let threshold: LogThreshold
    private let style: LogLine.Style
    private let sink: LineSink
    private let timestamp: @Sendable () -> String

    /// - Parameter timestamp: the text of the present moment, which starts each line.
    init(style: LogLine.Style, threshold: LogThreshold, sink: LineSink, timestamp: @escaping @Sendable () -> String) {
        self.style = style
        self.sink = sink
        self.timestamp = timestamp
        self.threshold = threshold
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes the line before it returns. A reader that does not read makes the caller wait, as with any program's
    /// output.
    package func log(event: LogEvent) {
        let facts = LogFacts(event: event, handler: metadata, provider: metadataProvider)
        let line = LogLine(
            timestamp: timestamp(), level: event.level, message: event.message.description, pairs: facts.pairs)
        for piece in line.pieces(style: style) { sink.write(piece) }
    }
}
