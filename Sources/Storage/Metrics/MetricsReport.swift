import GRDB
package import Scheduling

/// The latest value of every series in `system_metrics`, and what it was in the window before.
///
/// Found by the index on (metric_name, timestamp) alone: from one name to the next, and then the end of each name. No tag is indexed, so a
/// series shows if it's in the window or among the newest rows of its name.
package struct MetricsReport: Sendable, Equatable {
    /// By name, then by tags.
    package let series: [MetricSeries]
    /// Rows that were read and hold no number or no time that can be read; they are in no series.
    package let unusable: Int
    /// Names of which the window held more rows than are read: what is shown of them is the newest.
    package let cut: [String]

    package init(series: [MetricSeries], unusable: Int, cut: [String]) {
        self.series = series
        self.unusable = unusable
        self.cut = cut
    }

    /// What bounds a reading. A snapshot reads one name.
    package struct Limits: Sendable {
        package var names = 10_000
        /// Rows of a name within the window: 333 series, one a minute, for an hour.
        package var recentRows = 20_000
        /// Rows of a name before it, for series that have fallen silent.
        package var olderRows = 250

        package init() {}
    }

    /// - Parameters:
    ///   - match: names that contain this, whatever the case; nil for all.
    ///   - window: how far back from `now` points are kept.
    package static func read(
        _ store: Store, matching match: String? = nil, now: Instant, window: Duration = .seconds(3_600),
        limits: Limits = Limits()
    ) async throws -> MetricsReport {
        let wanted = match?.lowercased()
        let names = try await store.read("read metrics of") { db in try Self.names(db, limit: limits.names) }.filter {
            name in wanted.map { name.lowercased().contains($0) } ?? true
        }
        let start = Instant(milliseconds: now.milliseconds - Int64(window / .milliseconds(1)))
        var series: [MetricSeries] = []
        var unusable = 0
        var cut: [String] = []
        for name in names {
            let reading = try await store.read("read metrics of") { db in
                var reading = MetricsReading(start: start)
                try reading.read(db, name, limits)
                return reading
            }
            series += reading.series(named: name)
            unusable += reading.unusable
            if reading.isCut { cut.append(name) }
        }
        return MetricsReport(series: series, unusable: unusable, cut: cut)
    }

    /// Every name, found by stepping from one to the next.
    ///
    /// Within SQL for the reason that `UsageDays` gives: a name with a NUL in it, handed out and in again, would be found for ever.
    static func names(_ db: Database, limit: Int) throws -> [String] {
        try String.fetchAll(
            db.cachedStatement(sql: namesSQL), arguments: [limit])
    }

    static let namesSQL = """
        WITH RECURSIVE step (name) AS (
          SELECT MIN(metric_name) FROM system_metrics
          UNION ALL
          SELECT (SELECT MIN(m.metric_name) FROM system_metrics m WHERE m.metric_name > step.name)
          FROM step
          WHERE step.name IS NOT NULL
        )
        SELECT name
        FROM step
        WHERE typeof(name) = 'text'
        LIMIT ?
        """
}
