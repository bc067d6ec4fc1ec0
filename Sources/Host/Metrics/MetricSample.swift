/// One figure of one moment, as a row of `system_metrics` has it.
package struct MetricSample: Sendable, Equatable {
    /// One of `documentation`'s.
    package var name: String
    /// Finite and never negative.
    package var value: Double
    /// UCUM, as OpenTelemetry writes it: `s`, `By`, `1` for a share from 0 to 1, `{packet}`.
    package var unit: String
    package var tags: [String: String]

    package init(name: String, value: Double, unit: String, tags: [String: String]) {
        self.name = name
        self.value = value
        self.unit = unit
        self.tags = tags
    }

    /// Every metric that this room can emit, in the order in which a person would look for them.
    ///
    /// Names, units and tag keys are those of the OpenTelemetry semantic conventions, system and process metrics, version 1.45.
    /// What they don't name is called `system.linux.…` (the host) or `process.linux.…` (this process and its cgroup); the load
    /// averages are called as the OpenTelemetry Collector calls them.
    package static let documentation: [MetricDefinition] = [
        MetricDefinition.processor, MetricDefinition.memory, MetricDefinition.pressure, MetricDefinition.storage,
        MetricDefinition.network, MetricDefinition.process, MetricDefinition.cgroup,
    ].flatMap(\.self)
}
