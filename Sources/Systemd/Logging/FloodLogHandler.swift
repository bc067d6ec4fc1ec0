import Logging

/// A log handler whose warnings and worse pass through a flood control first.
struct FloodLogHandler: LogHandler {
    private var inner: any LogHandler
    private let control: FloodControl

    init(_ inner: any LogHandler, control: FloodControl) {
        self.inner = inner
        self.control = control
    }

    var logLevel: Logger.Level {
        get { inner.logLevel }
        set { inner.logLevel = newValue }
    }

    var metadata: Logger.Metadata {
        get { inner.metadata }
        set { inner.metadata = newValue }
    }

    var metadataProvider: Logger.MetadataProvider? {
        get { inner.metadataProvider }
        set { inner.metadataProvider = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { inner[metadataKey: key] }
        set { inner[metadataKey: key] = newValue }
    }

    func log(event: LogEvent) {
        guard event.level < .warning || control.admits(event, through: inner) else { return }
        inner.log(event: event)
    }
}
