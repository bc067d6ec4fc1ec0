/// What the kernel said of the host, of this process and of its cgroup at one moment.
///
/// A source that couldn't be read is nil here and stands in `unavailable` with its reason: a value that is missing is never a
/// zero.
package struct HostReading: Sendable, Equatable {
    package var processors: ProcStat?
    package var load: LoadAverage?
    package var memory: MemInfo?
    package var paging: VMStat?
    package var pressure: [PressureStall.Resource: PressureStall] = [:]
    package var disks: DiskStats?
    package var network: NetworkDevices?
    package var volume: Volume?
    package var process: ProcessStat?
    package var status: ProcessStatus?
    package var switches: ContextSwitches?
    package var openFiles: Int?
    package var cgroup: CgroupReading?
    /// From boot until the reading, time in suspend included.
    package var sinceBoot: Duration?
    /// Ticks a second in the figures of `processors` and `process`: 100 on every Linux of today.
    package var ticksPerSecond: Double

    /// Source (`/proc/stat`, or `/proc/meminfo MemAvailable` where a file lacks one line) to reason.
    package var unavailable: [String: String] = [:]

    package init(ticksPerSecond: Double) {
        self.ticksPerSecond = ticksPerSecond
    }
}

/// How often the process was taken off a processor, all its threads together, those that have ended among them: from getrusage(2).
/// `/proc/self/status` has the same for the main thread alone, which in a daemon of many threads does nothing.
package struct ContextSwitches: Sendable, Equatable {
    /// It had to wait.
    package var voluntary: UInt64
    /// Its turn was over.
    package var involuntary: UInt64
}

/// The file system on which the database lies, in bytes, from statvfs(3).
package struct Volume: Sendable, Equatable {
    package var total: UInt64
    /// All that is free, what only root may use included.
    package var free: UInt64
    /// Free for us.
    package var available: UInt64
    /// Nil where `/proc/self/mountinfo` didn't say.
    package var mount: MountInfo.Mount?
}

/// The process's own cgroup (version 2), and the limits on the way from there to the root.
package struct CgroupReading: Sendable, Equatable {
    package var processorTime: CgroupProcessorTime?
    package var transfers: CgroupTransfers?
    /// Bytes, page cache included.
    package var memory: UInt64?
    /// Processes and threads.
    package var tasks: UInt64?

    /// The smallest of each on the way: a number of processors, bytes, bytes, tasks. Nil where one of the files on the way
    /// couldn't be read, since the limit may stand there.
    package var processorLimit: CgroupLimit?
    package var memoryLimit: CgroupLimit?
    /// Above this the kernel slows the cgroup and takes memory back.
    package var memoryHigh: CgroupLimit?
    package var taskLimit: CgroupLimit?
}
