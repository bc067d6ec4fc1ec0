/// One figure of one moment, as a row of `system_metrics` has it.
package struct MetricRow: Sendable, Equatable {
    package var name: String
    /// Finite. Not below zero, but for what can shrink.
    package var value: Double
    /// UCUM, as OpenTelemetry writes it: `s`, `By`, `1` for a share from 0 to 1, `{row}`.
    package var unit: String
    package var tags: [String: String]

    package init(name: String, value: Double, unit: String, tags: [String: String]) {
        self.name = name
        self.value = value
        self.unit = unit
        self.tags = tags
    }

    init(_ metric: Definition, _ value: Double, _ tags: [String: String] = [:]) {
        self.init(name: metric.name, value: value, unit: metric.unit, tags: tags)
    }

    /// What a metric's name means. Rows take name and unit from here, so that the table can't say anything else.
    package struct Definition: Sendable, Equatable {
        package enum Kind: String, Sendable {
            /// The state at the moment of the reading.
            case gauge
            /// A change since the reading before: OpenTelemetry's delta temporality. Values of one series can be added up over time.
            case delta
            /// A change since the reading before, for each minute of the time between.
            case rate
            /// About the time since the reading before; values can't be added up.
            case window
        }

        package var name: String
        package var unit: String
        package var kind: Kind
        /// The keys that every row of the metric carries.
        package var tags: [String]
        package var meaning: String

        init(_ kind: Kind, _ name: String, _ unit: String, tags: [String] = [], _ meaning: String) {
            self.name = name
            self.unit = unit
            self.kind = kind
            self.tags = tags
            self.meaning = meaning
        }
    }
}
