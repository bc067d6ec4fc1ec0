import Glibc

/// Reads the host: the one place of this room that touches files. It holds no state, so readings may be taken from anywhere.
///
/// A reading is some 25 small files, four system calls each. Under systemd's ProcSubset=pid only what lies in `/proc/self` is
/// there; the rest is then in `unavailable`, by name. Under PrivateNetwork= the network is the private one.
package struct HostReader: Sendable {
    private let procRoot: String
    private let sysRoot: String
    private let sinceBoot: @Sendable () -> Duration?

    /// - Parameters:
    ///   - procRoot: where to find what is `/proc` on a host; tests bring folders of their own.
    ///   - sysRoot: likewise for `/sys`.
    ///   - sinceBoot: the time since boot; from the kernel's clock unless a test says otherwise.
    package init(
        procRoot: String = "/proc", sysRoot: String = "/sys",
        sinceBoot: @escaping @Sendable () -> Duration? = HostReader.kernelTimeSinceBoot
    ) {
        self.procRoot = procRoot
        self.sysRoot = sysRoot
        self.sinceBoot = sinceBoot
    }

    /// Takes a reading. Never fails as a whole: what can't be read is named in `unavailable`.
    ///
    /// - Parameter databaseVolume: a file or folder on the volume that is meant. It's looked at by name and never opened: closing
    ///   a descriptor of SQLite's file would drop every lock that this process holds on it (fcntl(2), "Record locking").
    package func read(databaseVolume: String) -> HostReading {
        var pass = ReadingPass(procRoot: procRoot, sysRoot: sysRoot)
        pass.readVolume(databaseVolume)
        pass.readHost()
        pass.readProcess()
        pass.readCgroup()
        pass.reading.sinceBoot = sinceBoot()
        return pass.reading
    }

    /// CLOCK_BOOTTIME, which is there also where `/proc/uptime` isn't.
    package static func kernelTimeSinceBoot() -> Duration? {
        var time = timespec()
        guard clock_gettime(CLOCK_BOOTTIME, &time) == 0 else { return nil }
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}

/// One reading under way.
struct ReadingPass: ~Copyable {
    var reading: HostReading
    /// Kept until the cgroup's turn.
    var cgroupMount: MountInfo.Mount?
    private var files = FileReader()
    private let procRoot: String
    private let sysRoot: String

    init(procRoot: String, sysRoot: String) {
        self.procRoot = procRoot
        self.sysRoot = sysRoot
        reading = HostReading(ticksPerSecond: Double(max(1, sysconf(Int32(_SC_CLK_TCK)))))
    }

    /// Where a source really is: `name` is what it's called on a host.
    func place(_ name: String) -> String {
        if name.hasPrefix("/proc/") { return procRoot + name.dropFirst(5) }
        if name.hasPrefix("/sys/") { return sysRoot + name.dropFirst(4) }
        return name
    }

    /// What `parse` makes of a file; nil, with the reason noted, where there's nothing to be had.
    mutating func take<Value>(_ name: String, _ parse: (Span<UInt8>) -> Value?) -> Value? {
        do {
            if let value = try attempt(name, parse) { return value }
            reading.unavailable[name] = "holds nothing that is known"
        } catch {
            reading.unavailable[name] = error.reason
        }
        return nil
    }

    mutating func attempt<Value>(_ name: String, _ parse: (Span<UInt8>) -> Value?) throws(FileProblem) -> Value? {
        try files.read(place(name), parse)
    }

    /// Names the lines that a file lacks.
    mutating func note(_ absent: [String]?, in name: String) {
        for field in absent ?? [] { reading.unavailable["\(name) \(field)"] = "isn't in the file" }
    }
}
