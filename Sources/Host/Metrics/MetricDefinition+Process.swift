// This process, and the cgroup that it's in.

extension MetricDefinition {
    static let processTime = delta(
        "process.cpu.time", "s", tags: [Tag.mode], "Processor time of tallyd, in user and system mode.",
        from: "/proc/self/stat")
    static let processUtilization = delta(
        "process.cpu.utilization", "1", tags: [Tag.mode],
        "The same as a share of process.linux.cpu.limit; where that isn't known, of what its affinity allows.",
        from: "/proc/self/stat")
    static let processMemory = gauge("process.memory.usage", "By", "Its resident memory.", from: "/proc/self/status")
    static let processVirtual = gauge("process.memory.virtual", "By", "Its address space.", from: "/proc/self/status")
    static let processFiles = gauge(
        "process.unix.file_descriptor.count", "{file_descriptor}", "Its open file descriptors.", from: "/proc/self/fd")
    static let processThreads = gauge("process.thread.count", "{thread}", "Its threads.", from: "/proc/self/status")
    static let processSwitches = delta(
        "process.context_switches", "{context_switch}", tags: [Tag.switchType],
        "Switches of its threads because one waited (voluntary) or its turn was over (involuntary).",
        from: "getrusage")
    static let processFaults = delta(
        "process.paging.faults", "{fault}", tags: [Tag.faultType], "Its page faults, major and minor.",
        from: "/proc/self/stat")
    static let processUptime = gauge("process.uptime", "s", "Time since it started.", from: "/proc/self/stat")
    static let processorsAllowed = gauge(
        "process.linux.cpu.limit", "{cpu}",
        "Processors that it can use: the smallest of those online, its affinity and the cgroups' quotas.",
        from: "/proc/stat, /proc/self/status, cpu.max")
    static let memoryAllowed = gauge(
        "process.linux.memory.limit", "By", "Memory that it can use: the smaller of the host's and the cgroups' limit.",
        from: "/proc/meminfo, memory.max")

    static let process = [
        processTime, processUtilization, processMemory, processVirtual, processFiles, processThreads, processSwitches,
        processFaults, processUptime, processorsAllowed, memoryAllowed,
    ]

    static let cgroupTime = delta(
        "process.linux.cgroup.cpu.time", "s", tags: [Tag.mode], "Processor time of all that is in the cgroup.",
        from: "cpu.stat")
    static let cgroupQuota = gauge(
        "process.linux.cgroup.cpu.limit", "{cpu}",
        "The smallest quota on the way to the root; none where there's no quota.",
        from: "cpu.max")
    static let cgroupPeriods = delta(
        "process.linux.cgroup.cpu.periods", "{period}", "Periods of the quota in which the cgroup wanted to run.",
        from: "cpu.stat")
    static let cgroupThrottledPeriods = delta(
        "process.linux.cgroup.cpu.throttled.periods", "{period}", "Those in which it used its quota up.",
        from: "cpu.stat")
    static let cgroupThrottled = delta(
        "process.linux.cgroup.cpu.throttled.time", "s", "Time for which it then stood still.", from: "cpu.stat")
    static let cgroupMemory = gauge(
        "process.linux.cgroup.memory.usage", "By", "Memory of the cgroup, its page cache included.",
        from: "memory.current")
    static let cgroupMemoryLimit = gauge(
        "process.linux.cgroup.memory.limit", "By",
        "The smallest limit on the way to the root; none where there's no limit.",
        from: "memory.max")
    static let cgroupMemoryHigh = gauge(
        "process.linux.cgroup.memory.high", "By", "The same of the mark above which the kernel slows the cgroup.",
        from: "memory.high")
    static let cgroupMemoryUtilization = gauge(
        "process.linux.cgroup.memory.utilization", "1", "Usage as a share of process.linux.memory.limit.",
        from: "memory.current, memory.max")
    static let cgroupIO = delta(
        "process.linux.cgroup.io", "By", tags: [Tag.diskDirection], "Bytes that the cgroup read from disks and wrote.",
        from: "io.stat")
    static let cgroupOperations = delta(
        "process.linux.cgroup.io.operations", "{operation}", tags: [Tag.diskDirection], "Its reads and writes.",
        from: "io.stat")
    static let cgroupTasks = gauge(
        "process.linux.cgroup.task.count", "{thread}", "Its processes and threads.", from: "pids.current")
    static let cgroupTaskLimit = gauge(
        "process.linux.cgroup.task.limit", "{thread}", "The smallest limit of those on the way to the root.",
        from: "pids.max")

    static let cgroup = [
        cgroupTime, cgroupQuota, cgroupPeriods, cgroupThrottledPeriods, cgroupThrottled, cgroupMemory,
        cgroupMemoryLimit,
        cgroupMemoryHigh, cgroupMemoryUtilization, cgroupIO, cgroupOperations, cgroupTasks, cgroupTaskLimit,
    ]
}
