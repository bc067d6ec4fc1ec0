// Processor, memory and pressure of the host.

extension MetricDefinition {
    static let cpuTime = delta(
        "system.cpu.time", "s", tags: [Tag.mode], "Time of all processors together in each mode.", from: "/proc/stat")
    static let cpuUtilization = delta(
        "system.cpu.utilization", "1", tags: [Tag.mode],
        "Share of the processors' time in each mode; the modes add up to 1.", from: "/proc/stat")
    static let cpuCount = gauge("system.cpu.logical.count", "{cpu}", "Processors online.", from: "/proc/stat")
    static let load1 = gauge(
        "system.cpu.load_average.1m", "{thread}", "Tasks that ran or waited, over one minute.", from: "/proc/loadavg")
    static let load5 = gauge(
        "system.cpu.load_average.5m", "{thread}", "The same over five minutes.", from: "/proc/loadavg")
    static let load15 = gauge(
        "system.cpu.load_average.15m", "{thread}", "The same over fifteen minutes.", from: "/proc/loadavg")
    static let uptime = gauge("system.uptime", "s", "Time since boot, in suspend too.", from: "CLOCK_BOOTTIME")

    static let processor = [cpuTime, cpuUtilization, cpuCount, load1, load5, load15, uptime]

    static let memoryLimit = gauge(
        "system.memory.limit", "By", "Memory that the kernel manages.", from: "/proc/meminfo")
    static let memoryUsage = gauge(
        "system.memory.usage", "By", tags: [Tag.memoryState],
        "Memory that is free, in buffers, cached (with slabs that can be given back), or used: the rest. The states add up to the limit.",
        from: "/proc/meminfo")
    static let memoryUtilization = gauge(
        "system.memory.utilization", "1", tags: [Tag.memoryState], "The same as shares of the limit.",
        from: "/proc/meminfo")
    static let memoryAvailable = gauge(
        "system.memory.linux.available", "By", "What programs could have without swapping, by the kernel's estimate.",
        from: "/proc/meminfo")
    static let pagingUsage = gauge(
        "system.paging.usage", "By", tags: [Tag.pagingState], "Swap that is used and free.", from: "/proc/meminfo")
    static let pagingUtilization = gauge(
        "system.paging.utilization", "1", tags: [Tag.pagingState],
        "The same as shares of all swap; none where there's no swap.",
        from: "/proc/meminfo")
    static let pagingFaults = delta(
        "system.paging.faults", "{fault}", tags: [Tag.faultType],
        "Page faults that waited for a disk (major) or not (minor).",
        from: "/proc/vmstat")
    static let pagingOperations = delta(
        "system.paging.operations", "{operation}", tags: [Tag.pagingDirection],
        "Pages read from swap (in) and written to it (out).",
        from: "/proc/vmstat")

    static let memory = [
        memoryLimit, memoryUsage, memoryUtilization, memoryAvailable, pagingUsage, pagingUtilization, pagingFaults,
        pagingOperations,
    ]

    static let pressureShare = gauge(
        "system.linux.pressure", "1", tags: [Tag.resource, Tag.kind, Tag.window],
        "Share of the last 60s or 300s in which some task, or all (full), waited for cpu, memory or io.",
        from: "/proc/pressure")
    static let pressureTime = delta(
        "system.linux.pressure.time", "s", tags: [Tag.resource, Tag.kind], "Time for which they waited.",
        from: "/proc/pressure")

    static let pressure = [pressureShare, pressureTime]
}
