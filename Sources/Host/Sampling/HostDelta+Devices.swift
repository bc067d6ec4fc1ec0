extension HostDelta {
    mutating func addVolume(_ volume: Volume?) {
        guard let volume else { return }
        // An unknown mount is an empty tag and not a missing one, so that the series' shape stays.
        let tags = [
            Tag.device: volume.mount?.source ?? "", Tag.mountPoint: volume.mount?.mountPoint ?? "",
            Tag.filesystemType: volume.mount?.type ?? "",
            Tag.filesystemMode: volume.mount.map { $0.isReadOnly ? "ro" : "rw" } ?? "",
        ]
        add(.filesystemLimit, volume.total, tags)
        guard volume.available <= volume.free, volume.free <= volume.total else { return }
        let states = [
            ("used", volume.total - volume.free), ("free", volume.available),
            ("reserved", volume.free - volume.available),
        ]
        for (state, bytes) in states {
            let tags = tags.merging([Tag.filesystemState: state]) { $1 }
            addShare(.filesystemUsage, .filesystemUtilization, Double(bytes), of: Double(volume.total), tags)
        }
    }

    mutating func addDisks(from earlier: HostReading?, to later: HostReading) {
        guard let after = later.disks?.devices else { return }
        let own = later.disks?.own
        // The database's own disk first, then those that have moved most since boot: an order that seldom changes.
        let ranked = after.sorted { first, second in
            if (first.number == own) != (second.number == own) { return first.number == own }
            let moved = [first, second].map { Double($0.sectorsRead) + Double($0.sectorsWritten) }
            return moved[0] == moved[1] ? first.name < second.name : moved[0] > moved[1]
        }
        add(.disksFolded, Self.folded(ranked.count))
        guard let before = earlier?.disks?.devices else { return }
        var growths = Growths()
        for (rank, to) in ranked.enumerated() {
            guard let from = before.first(where: { $0.name == to.name && $0.number == to.number }) else { continue }
            let isShown = rank < Self.shownDevices
            let tags = [Tag.device: isShown ? to.name : Self.rest]
            for (direction, sectors, operations) in [
                ("read", (from.sectorsRead, to.sectorsRead), (from.reads, to.reads)),
                ("write", (from.sectorsWritten, to.sectorsWritten), (from.writes, to.writes)),
            ] {
                let tags = tags.merging([Tag.diskDirection: direction]) { $1 }
                growths.add(.diskIO, tags, growth(.diskIO, from: sectors.0, to: sectors.1, tags), scale: 512)
                let grown = growth(.diskOperations, from: operations.0, to: operations.1, tags)
                growths.add(.diskOperations, tags, grown)
            }
            // Times in which several disks are busy may overlap, so they aren't added up.
            guard isShown else { continue }
            let grown = growth(.diskBusy, from: from.busyMilliseconds, to: to.busyMilliseconds, tags)
            growths.add(.diskBusy, tags, grown, scale: 1e-3)
        }
        add(growths)
    }

    mutating func addNetwork(from earlier: HostReading?, to later: HostReading) {
        guard let after = later.network?.interfaces else { return }
        // What seems to be hardware first, then those that have carried most since they came up.
        let ranked = after.sorted { first, second in
            let hardware = [first, second].map { NetworkDevices.isLikelyHardware($0.name) }
            if hardware[0] != hardware[1] { return hardware[0] }
            let carried = [first, second].map { Double($0.received.bytes) + Double($0.transmitted.bytes) }
            return carried[0] == carried[1] ? first.name < second.name : carried[0] > carried[1]
        }
        let shown = ranked.prefix(Self.shownDevices).filter { NetworkDevices.isLikelyHardware($0.name) }.count
        add(.interfacesFolded, ranked.count > shown ? Double(ranked.count - shown) : nil)
        guard let before = earlier?.network?.interfaces else { return }
        let known = Dictionary(before.map { ($0.name, $0) }) { first, _ in first }
        var growths = Growths()
        for (rank, to) in ranked.enumerated() {
            guard let from = known[to.name] else { continue }
            let name = rank < shown ? to.name : Self.rest
            for (direction, from, to) in [
                ("receive", from.received, to.received), ("transmit", from.transmitted, to.transmitted),
            ] {
                let tags = [Tag.interface: name, Tag.networkDirection: direction]
                growths.add(.networkIO, tags, growth(.networkIO, from: from.bytes, to: to.bytes, tags))
                growths.add(.networkErrors, tags, growth(.networkErrors, from: from.errors, to: to.errors, tags))
                growths.add(.networkDropped, tags, growth(.networkDropped, from: from.dropped, to: to.dropped, tags))
            }
        }
        add(growths)
    }

    private mutating func add(_ growths: Growths) {
        for growth in growths.list { add(growth.metric, growth.value, growth.tags) }
    }

    private static func folded(_ count: Int) -> Double? {
        count > shownDevices ? Double(count - shownDevices) : nil
    }
}

/// Sums by series, in the order in which the series came.
private struct Growths {
    private struct Series: Hashable {
        var name: String
        var tags: [String: String]
    }

    private(set) var list: [(metric: MetricDefinition, tags: [String: String], value: Double)] = []
    private var places: [Series: Int] = [:]

    mutating func add(_ metric: MetricDefinition, _ tags: [String: String], _ grown: UInt64?, scale: Double = 1) {
        guard let grown else { return }
        let series = Series(name: metric.name, tags: tags)
        if let place = places[series] {
            list[place].value += Double(grown) * scale
        } else {
            places[series] = list.count
            list.append((metric, tags, Double(grown) * scale))
        }
    }
}
