import Foundation

@testable import Host

/// A folder that looks like a host's /proc and /sys, and is gone with this object.
final class HostFolder {
    let root: URL

    init() throws {
        root = FileManager.default.temporaryDirectory.appending(path: "host-\(UUID().uuidString)")
        for folder in ["proc/self/fd", "proc/self/net", "proc/pressure", "sys"] {
            try FileManager.default.createDirectory(at: root.appending(path: folder), withIntermediateDirectories: true)
        }
    }

    deinit {
        try? FileManager.default.removeItem(at: root)
    }

    func write(_ text: String, to path: String) throws {
        let file = root.appending(path: path)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    func remove(_ path: String) throws {
        try FileManager.default.removeItem(at: root.appending(path: path))
    }

    /// - Parameter database: a path below the folder; the folder itself unless told.
    func read(database: String? = nil, sinceBoot: Duration = .seconds(100)) -> HostReading {
        HostReader(
            procRoot: root.appending(path: "proc").path, sysRoot: root.appending(path: "sys").path,
            sinceBoot: { sinceBoot }
        ).read(databaseVolume: database.map { root.appending(path: $0).path } ?? root.path)
    }

    /// All that there can be, with limits of a service and of its slice.
    static func whole() throws -> HostFolder {
        let folder = try HostFolder()
        for (path, text) in texts { try folder.write(text, to: path) }
        for descriptor in 0..<9 { try folder.write("", to: "proc/self/fd/\(1_000 + descriptor)") }
        return folder
    }

    /// What isn't there under ProcSubset=pid.
    static let hostFiles = [
        "stat", "meminfo", "vmstat", "loadavg", "pressure/cpu", "pressure/memory", "pressure/io", "diskstats",
    ]
    static let service = "sys/fs/cgroup/system.slice/tallyd.service"
    static let texts: [String: String] = [
        "proc/stat": KernelText.stat, "proc/meminfo": KernelText.meminfo, "proc/vmstat": KernelText.vmstat,
        "proc/loadavg": KernelText.loadavg, "proc/pressure/cpu": KernelText.pressureCPU,
        "proc/pressure/memory": KernelText.pressureMemory, "proc/pressure/io": KernelText.pressureMemory,
        "proc/diskstats": KernelText.diskstats, "proc/self/net/dev": KernelText.netDev,
        "proc/self/stat": KernelText.selfStat, "proc/self/status": KernelText.selfStatus,
        "proc/self/mountinfo": KernelText.mountinfo, "proc/self/cgroup": KernelText.cgroup,
        "\(service)/cpu.stat": KernelText.cpuStat, "\(service)/io.stat": KernelText.ioStat,
        "\(service)/memory.current": "50000000\n", "\(service)/pids.current": "9\n",
        "\(service)/cpu.max": "150000 100000\n", "\(service)/memory.max": "max\n",
        "\(service)/memory.high": "200000000\n", "\(service)/pids.max": "4915\n",
        "sys/fs/cgroup/system.slice/cpu.max": "max 100000\n",
        "sys/fs/cgroup/system.slice/memory.max": "268435456\n",
        "sys/fs/cgroup/system.slice/memory.high": "max\n", "sys/fs/cgroup/system.slice/pids.max": "max\n",
    ]
}
