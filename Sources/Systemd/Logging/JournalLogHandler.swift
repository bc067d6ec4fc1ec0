package import Logging

/// Logs to the journal with structured fields: the message stays constant and each metadata key becomes a field of its
/// own.
package struct JournalLogHandler: LogHandler {
    /// The process's threshold, until a logger sets a level of its own.
    package var logLevel: Logger.Level {
        get { ownLevel ?? threshold.level }
        set { ownLevel = newValue }
    }
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?

    private var ownLevel: Logger.Level?
    private let threshold: LogThreshold
    private let writer: JournalWriter
    private let identifier: String
    private let fieldPrefix: String
    private let label: String

    /// - Parameters:
    ///   - label: the logger's label; it becomes the field LOGGER (prefixed) where it differs from `identifier`.
    ///   - identifier: the program, as `journalctl -t` finds it.
    ///   - fieldPrefix: stands before every metadata key, such as `TALLYD_`.
    init(label: String, identifier: String, fieldPrefix: String, threshold: LogThreshold, writer: JournalWriter) {
        self.label = label
        self.identifier = identifier
        self.fieldPrefix = fieldPrefix
        self.writer = writer
        self.threshold = threshold
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Queues the entry and returns at once, whatever the journal does.
    package func log(event: LogEvent) {
        let facts = LogFacts(event: event, handler: metadata, provider: metadataProvider)
        var entry = JournalEntry()
        entry.append("MESSAGE", event.message.description)
        entry.append("PRIORITY", String(event.level.priority))
        entry.append("SYSLOG_IDENTIFIER", identifier)
        if let id = facts.messageID { entry.append("MESSAGE_ID", id) }
        entry.append("CODE_FILE", event.file)
        entry.append("CODE_LINE", String(event.line))
        entry.append("CODE_FUNC", event.function)
        if label != identifier { entry.append(JournalFieldName.make(key: "logger", prefix: fieldPrefix), label) }
        for (key, value) in facts.pairs {
            entry.append(JournalFieldName.make(key: key, prefix: fieldPrefix), value)
        }
        writer.write(entry)
    }

    /// The line that says that lines are missing.
    static func dropReport(count: Int, identifier: String, fieldPrefix: String) -> JournalEntry {
        var entry = JournalEntry()
        entry.append("MESSAGE", "log lines were dropped because the journal did not take them")
        entry.append("PRIORITY", String(Logger.Level.warning.priority))
        entry.append("SYSLOG_IDENTIFIER", identifier)
        entry.append(JournalFieldName.make(key: "lines", prefix: fieldPrefix), String(count))
        return entry
    }
}
