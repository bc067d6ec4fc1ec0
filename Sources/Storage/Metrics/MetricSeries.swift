package import Scheduling

/// Values of one metric with the same tags, whoever wrote them.
package struct MetricSeries: Sendable, Equatable {
    package struct Point: Sendable, Equatable {
        package let at: Instant
        package let value: Double

        package init(at: Instant, value: Double) {
            self.at = at
            self.value = value
        }
    }

    package let name: String
    /// The latest row's; nil where that has none.
    package let unit: String?
    /// Tags that are no JSON object stand as they are under the key `(tags)`.
    package let tags: [String: String]
    package let latest: Point
    /// Those of the window that was asked for, the oldest first.
    package let recent: [Point]

    package init(name: String, unit: String?, tags: [String: String], latest: Point, recent: [Point]) {
        self.name = name
        self.unit = unit
        self.tags = tags
        self.latest = latest
        self.recent = recent
    }
}
