package import Logging

/// Sets up logging for one process and bootstraps nothing: that is the program's to do, once.
///
/// - Parameters:
///   - label: the program's name; the journal's `SYSLOG_IDENTIFIER`.
///   - destination: see `LogDestination.detect`.
///   - level: the lowest level that is logged, until `LogHandlerFactory.threshold` changes or a logger sets its own.
///   - fieldPrefix: stands before the journal's fields; without it, the label in capitals and an underscore
///     (`TALLYD_`).
///   - standardError: where lines go; the caller keeps it open.
///   - journalSocket: where the journal listens.
///   - timestamp: the text of the present moment for lines; the journal takes its own time.
/// - Throws: `JournalUnreachable` or `ThreadFailure`, for the journal only.
package func makeLogHandler(
    label: String, destination: LogDestination, level: Logger.Level, fieldPrefix: String? = nil,
    standardError: Int32 = 2, journalSocket: String = LogDestination.journalSocket,
    timestamp: @escaping @Sendable () -> String = LineTimestamp.local
) throws -> LogHandlerFactory {
    let threshold = LogThreshold(level)
    let style: LogLine.Style
    switch destination {
    case .journal:
        let prefix = fieldPrefix ?? JournalFieldName.upperSnake(label) + "_"
        let writer = try JournalWriter(socketPath: journalSocket) { count in
            JournalLogHandler.dropReport(count: count, identifier: label, fieldPrefix: prefix)
        }
        return LogHandlerFactory(writer: writer, threshold: threshold) { loggerLabel in
            JournalLogHandler(
                label: loggerLabel, identifier: label, fieldPrefix: prefix, threshold: threshold, writer: writer)
        }
    case .prefixed(let priorities): style = priorities ? .priorities : .plain
    case .terminal(let colour): style = colour ? .colour : .plain
    }
    let sink = LineSink(descriptor: standardError)
    return LogHandlerFactory(writer: nil, threshold: threshold) { _ in
        LineLogHandler(style: style, threshold: threshold, sink: sink, timestamp: timestamp)
    }
}
