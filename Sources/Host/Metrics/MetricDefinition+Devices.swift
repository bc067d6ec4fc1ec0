// The database's volume, disks and network interfaces.

extension MetricDefinition {
    private static let volumeTags = [Tag.device, Tag.filesystemMode, Tag.mountPoint, Tag.filesystemType]

    static let filesystemLimit = gauge(
        "system.filesystem.limit", "By", tags: volumeTags, "Size of the database's volume.",
        from: "statvfs, /proc/self/mountinfo")
    static let filesystemUsage = gauge(
        "system.filesystem.usage", "By", tags: volumeTags + [Tag.filesystemState],
        "What of it is used, free for tallyd, or reserved for root. The states add up to the limit.",
        from: "statvfs, /proc/self/mountinfo")
    static let filesystemUtilization = gauge(
        "system.filesystem.utilization", "1", tags: volumeTags + [Tag.filesystemState],
        "The same as shares of the limit.",
        from: "statvfs, /proc/self/mountinfo")
    static let diskIO = delta(
        "system.disk.io", "By", tags: [Tag.device, Tag.diskDirection], "Bytes read and written.",
        from: "/proc/diskstats")
    static let diskOperations = delta(
        "system.disk.operations", "{operation}", tags: [Tag.device, Tag.diskDirection], "Reads and writes completed.",
        from: "/proc/diskstats")
    static let diskBusy = delta(
        "system.disk.io_time", "s", tags: [Tag.device],
        "Time in which an operation was under way; not for the rest taken together.",
        from: "/proc/diskstats")
    static let disksFolded = gauge(
        "system.linux.disk.folded", "{device}", "Disks that are in \(HostDelta.rest) and not shown alone; only if any.",
        from: "/proc/diskstats")

    static let storage = [
        filesystemLimit, filesystemUsage, filesystemUtilization, diskIO, diskOperations, diskBusy, disksFolded,
    ]

    static let networkIO = delta(
        "system.network.io", "By", tags: [Tag.interface, Tag.networkDirection],
        "Bytes received and transmitted; loopback left out.",
        from: "/proc/self/net/dev")
    static let networkErrors = delta(
        "system.network.errors", "{error}", tags: [Tag.interface, Tag.networkDirection], "Errors of the interface.",
        from: "/proc/self/net/dev")
    static let networkDropped = delta(
        "system.network.packet.dropped", "{packet}", tags: [Tag.interface, Tag.networkDirection],
        "Packets dropped though nothing was wrong with them.", from: "/proc/self/net/dev")
    static let interfacesFolded = gauge(
        "system.linux.network.folded", "{interface}",
        "Interfaces that are in \(HostDelta.rest) and not shown alone; only if any.", from: "/proc/self/net/dev")

    static let network = [networkIO, networkErrors, networkDropped, interfacesFolded]
}
