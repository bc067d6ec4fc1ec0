/// What a metric's name means. The samples take name and unit from here, so that the table can't say anything else.
package struct MetricDefinition: Sendable, Equatable {
    package enum Kind: String, Sendable {
        /// The state at the moment of the reading.
        case gauge
        /// A change or a share since the reading before: OpenTelemetry's delta temporality. Values of one series can be added
        /// up over time, and what was counted while nobody read, or across a counter's restart, is in none of them.
        case delta
    }

    package var name: String
    package var unit: String
    package var kind: Kind
    /// The keys that every sample of the metric carries.
    package var tags: [String]
    package var meaning: String
    /// The file or system call.
    package var source: String

    static func gauge(
        _ name: String, _ unit: String, tags: [String] = [], _ meaning: String, from source: String
    ) -> MetricDefinition {
        MetricDefinition(name: name, unit: unit, kind: .gauge, tags: tags, meaning: meaning, source: source)
    }

    static func delta(
        _ name: String, _ unit: String, tags: [String] = [], _ meaning: String, from source: String
    ) -> MetricDefinition {
        MetricDefinition(name: name, unit: unit, kind: .delta, tags: tags, meaning: meaning, source: source)
    }
}

/// The keys of tags.
enum Tag {
    static let mode = "cpu.mode"
    static let memoryState = "system.memory.state"
    static let pagingState = "system.paging.state"
    static let faultType = "system.paging.fault.type"
    static let pagingDirection = "system.paging.direction"
    static let device = "system.device"
    static let diskDirection = "disk.io.direction"
    static let interface = "network.interface.name"
    static let networkDirection = "network.io.direction"
    static let mountPoint = "system.filesystem.mountpoint"
    static let filesystemMode = "system.filesystem.mode"
    static let filesystemState = "system.filesystem.state"
    static let filesystemType = "system.filesystem.type"
    static let switchType = "process.context_switch.type"
    static let resource = "resource"
    static let kind = "kind"
    static let window = "window"
}
