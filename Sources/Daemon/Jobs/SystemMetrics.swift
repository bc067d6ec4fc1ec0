package import Host
package import Logging
package import Scheduling
package import Storage

/// The job `system_metrics`: reads the host, the database, the gateway's new rows and this program, and makes one write of it all.
///
/// It holds the reading before, since most figures are about the time between two. What was measured is in the write that is returned; if
/// that is not carried out, this interval's deltas are lost with it, and the next reading is about the time since this one.
package actor SystemMetrics {
    private struct Reading {
        var host: HostReading
        var database: DatabaseFigures
        var monotonic: Duration
    }

    private let store: Store
    private let host: HostReader
    private let logger: Logger
    private var previous: Reading?
    /// Where the gateway's window began: one that is too short goes on, so this may be older than `previous`.
    private var windowStart: (through: Int64, monotonic: Duration)?
    /// Host sources that a log line has named.
    private var named: Set<String> = []

    package init(store: Store, host: HostReader = HostReader(), logger: Logger) {
        self.store = store
        self.host = host
        self.logger = logger
    }

    /// Takes a reading. The first one holds states only, and says nothing of the gateway.
    ///
    /// Reads some 25 small files of the kernel's, a few dozen pages of the database, and the rows that came since the reading before
    /// (`GatewayFigures.Limits.rows` at most); each snapshot is far shorter than 250 ms. One reading at a time.
    ///
    /// - Parameters:
    ///   - now: the wall clock's time, for the rows.
    ///   - monotonic: the time on a clock that never jumps, for rates.
    /// - Throws: `StorageError`, when the database can't be read. A host source that can't be read is left out, and named once in the log.
    package func measure(now: Instant, monotonic: Duration, own: OwnFigures) async throws -> SlotWrite {
        let rows = try await rows(monotonic: monotonic, own: own)
        try await MetricsStore(store: store).warm(rows)
        return MetricsStore.writing(rows, at: now)
    }

    func rows(monotonic: Duration, own: OwnFigures) async throws -> [MetricRow] {
        let folder = Store.folder(of: store.path)
        let reading = Reading(
            host: host.read(databaseVolume: folder.isEmpty ? "." : folder),
            database: try await DatabaseFigures.read(store), monotonic: monotonic)
        nameUnavailable(of: reading.host)
        let elapsed = previous.map { monotonic - $0.monotonic }.flatMap { $0 > .zero ? $0 : nil }
        let samples = reading.host.samples(since: previous?.host, elapsed: elapsed ?? .zero)
        let rows =
            samples.map { MetricRow(name: $0.name, value: $0.value, unit: $0.unit, tags: $0.tags) }
            + reading.database.rows(since: elapsed == nil ? nil : previous?.database)
            + (try await gatewayRows(monotonic)) + own.rows(elapsed: elapsed)
        previous = reading
        return rows
    }

    private func gatewayRows(_ monotonic: Duration) async throws -> [MetricRow] {
        let elapsed = windowStart.map { monotonic - $0.monotonic }
        if let elapsed, elapsed >= .zero, elapsed < GatewayFigures.shortest { return [] }
        let figures = try await GatewayFigures.read(store, since: windowStart?.through)
        windowStart = (figures.through, monotonic)
        return figures.rows(elapsed: elapsed ?? .zero)
    }

    private func nameUnavailable(of reading: HostReading) {
        let new = reading.unavailable.filter { !named.contains($0.key) }.sorted { $0.key < $1.key }
        guard !new.isEmpty else { return }
        named.formUnion(new.map(\.key))
        logger.debug(
            "some of the host can't be read, and is left out of system_metrics",
            metadata: ["sources": "\(new.map { "\($0.key): \($0.value)" }.joined(separator: "; "))"])
    }
}
