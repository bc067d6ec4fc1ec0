/// What two readings say together: the samples of the later one, and what has changed between the two. Pure.
///
/// A counter that went back (a restart of the device, a wrap, the kernel's own corrections of `idle`) gives no sample for this
/// interval, and its series is named in `interrupted`. A device that is in one of the readings only gives none either. Without an
/// earlier reading there are gauges only.
///
/// The number of series is bounded, whatever the host has: `shownDevices` disks and interfaces stand alone, the others are
/// added up as `(rest)`. That's at most 146 samples a reading; a small server gives about 100.
package struct HostDelta: Sendable, Equatable {
    package private(set) var samples: [MetricSample] = []
    /// Name and tags of the series whose counter went back; for `(rest)`, that of one of its devices.
    package private(set) var interrupted: [String] = []

    /// How many disks, and how many interfaces, have series of their own.
    package static let shownDevices = 4
    /// The device or interface that stands for all others.
    package static let rest = "(rest)"
    /// Processor time comes in ticks of 10 ms: over less than this, shares of it would be noise.
    static let shortest = Duration.seconds(1)

    /// - Parameter elapsed: between the readings, on a monotonic clock. At zero or less there are gauges only.
    package init(from previous: HostReading?, to reading: HostReading, elapsed: Duration) {
        let earlier = elapsed > .zero ? previous : nil
        addProcessors(from: earlier, to: reading)
        addMemory(from: earlier, to: reading)
        addPressure(from: earlier, to: reading)
        addVolume(reading.volume)
        addDisks(from: earlier, to: reading)
        addNetwork(from: earlier, to: reading)
        addProcess(from: earlier, to: reading, elapsed: elapsed)
        addCgroup(from: earlier, to: reading)
    }

    /// Adds a sample, where there's a value.
    mutating func add(_ metric: MetricDefinition, _ value: Double?, _ tags: [String: String] = [:]) {
        guard let value, value.isFinite, value >= 0 else { return }
        samples.append(MetricSample(name: metric.name, value: value, unit: metric.unit, tags: tags))
    }

    /// Adds an amount that is a whole number. The conversion is spelled out here and everywhere: `map(Double.init)` on a UInt64
    /// takes `init(bitPattern:)`, and 24 GB of memory came out as 1e-313.
    mutating func add(_ metric: MetricDefinition, _ value: UInt64?, _ tags: [String: String] = [:]) {
        add(metric, value.map { Double($0) }, tags)
    }

    /// Adds what a counter has grown by, times `scale`.
    mutating func add(
        _ metric: MetricDefinition, growthFrom earlier: UInt64?, to later: UInt64?, scale: Double = 1,
        _ tags: [String: String] = [:]
    ) {
        add(metric, growth(metric, from: earlier, to: later, tags).map { Double($0) * scale }, tags)
    }

    /// What a counter has grown by; nil where it's missing in a reading, and where it went back, which is noted.
    mutating func growth(
        _ metric: MetricDefinition, from earlier: UInt64?, to later: UInt64?, _ tags: [String: String] = [:]
    ) -> UInt64? {
        guard let earlier, let later else { return nil }
        guard later >= earlier else {
            let names = tags.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            let series = ([metric.name] + names).joined(separator: " ")
            if !interrupted.contains(series) { interrupted.append(series) }
            return nil
        }
        return later - earlier
    }
}

extension HostReading {
    /// The samples of this reading, and of what has changed since an earlier one; `HostDelta` also says what was interrupted.
    package func samples(since previous: HostReading?, elapsed: Duration) -> [MetricSample] {
        HostDelta(from: previous, to: self, elapsed: elapsed).samples
    }
}

extension Duration {
    var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
