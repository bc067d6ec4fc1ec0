extension HostDelta {
    mutating func addProcessors(from earlier: HostReading?, to later: HostReading) {
        var growths: [(mode: ProcStat.Mode, ticks: Double)] = []
        for mode in ProcStat.Mode.allCases {
            let (before, after) = (earlier?.processors?.ticks[mode], later.processors?.ticks[mode])
            guard let grown = growth(.cpuTime, from: before, to: after, [Tag.mode: mode.rawValue]) else { continue }
            growths.append((mode, Double(grown)))
        }
        // Of the time that was counted, rather than of the time elapsed: then the shares add up to 1 also when a processor came
        // or went, or the host stood still for a while.
        let total = growths.reduce(0) { $0 + $1.ticks }
        for (mode, ticks) in growths {
            let tags = [Tag.mode: mode.rawValue]
            add(.cpuTime, ticks / later.ticksPerSecond, tags)
            add(.cpuUtilization, total > 0 ? ticks / total : nil, tags)
        }
        if let count = later.processors?.logicalCount, count > 0 { add(.cpuCount, Double(count)) }
        add(.load1, later.load?.oneMinute)
        add(.load5, later.load?.fiveMinutes)
        add(.load15, later.load?.fifteenMinutes)
        add(.uptime, later.sinceBoot?.inSeconds)
    }

    mutating func addMemory(from earlier: HostReading?, to later: HostReading) {
        if let memory = later.memory {
            let total = memory.total.map { Double($0) }
            add(.memoryLimit, total)
            let states = [
                ("used", memory.used), ("free", memory.free), ("buffers", memory.buffers),
                ("cached", memory.reclaimable),
            ]
            for (state, bytes) in states {
                addShare(
                    .memoryUsage, .memoryUtilization, bytes.map { Double($0) }, of: total, [Tag.memoryState: state])
            }
            add(.memoryAvailable, memory.available)
            if let swap = memory.swapTotal, let free = memory.swapFree, free <= swap {
                for (state, bytes) in [("used", swap - free), ("free", free)] {
                    addShare(
                        .pagingUsage, .pagingUtilization, Double(bytes), of: Double(swap), [Tag.pagingState: state])
                }
            }
        }
        let (before, after) = (earlier?.paging, later.paging)
        let faults = [
            ("major", before?.majorFaults, after?.majorFaults), ("minor", before?.minorFaults, after?.minorFaults),
        ]
        for (type, from, to) in faults { add(.pagingFaults, growthFrom: from, to: to, [Tag.faultType: type]) }
        let operations = [("in", before?.swappedIn, after?.swappedIn), ("out", before?.swappedOut, after?.swappedOut)]
        for (direction, from, to) in operations {
            add(.pagingOperations, growthFrom: from, to: to, [Tag.pagingDirection: direction])
        }
    }

    mutating func addPressure(from earlier: HostReading?, to later: HostReading) {
        for resource in PressureStall.Resource.allCases {
            for kind in PressureStall.Kind.allCases {
                guard let line = later.pressure[resource]?.lines[kind] else { continue }
                let tags = [Tag.resource: resource.rawValue, Tag.kind: kind.rawValue]
                // The ten-second average says little beside samples that are minutes apart, and the time below says all.
                add(.pressureShare, line.minute, tags.merging([Tag.window: "60s"]) { $1 })
                add(.pressureShare, line.fiveMinutes, tags.merging([Tag.window: "300s"]) { $1 })
                let before = earlier?.pressure[resource]?.lines[kind]?.total
                add(.pressureTime, growthFrom: before, to: line.total, scale: 1e-6, tags)
            }
        }
    }

    /// An amount, and its share of a whole; the share only where it's one.
    mutating func addShare(
        _ amount: MetricDefinition, _ share: MetricDefinition, _ value: Double?, of whole: Double?,
        _ tags: [String: String]
    ) {
        add(amount, value, tags)
        guard let value, let whole, whole > 0, value <= whole else { return }
        add(share, value / whole, tags)
    }
}
