extension ReadingPass {
    /// Reads the own cgroup, and the limits of every cgroup from there up to where the hierarchy is mounted: the smallest holds.
    ///
    /// Version 1 isn't read. A host that has our controllers there, wholly or in a mix with version 2, is named as such.
    mutating func readCgroup() {
        guard let membership = take("/proc/self/cgroup", { CgroupMembership($0) }) else { return }
        guard membership.inVersion1.isEmpty else {
            reading.unavailable["cgroup"] =
                "version 1 holds \(membership.inVersion1.joined(separator: ", ")) here, and only version 2 is read"
            return
        }
        guard let path = membership.path else { return unavailable("the process is in none of version 2") }
        guard let mount = cgroupMount else { return unavailable("version 2 isn't mounted") }
        guard let levels = Self.levels(of: path, in: mount) else {
            return unavailable("\(path) isn't below \(mount.root), which is what \(mount.mountPoint) shows")
        }
        let own = levels[0]
        // Every cgroup has this file. Where it isn't there the folder isn't, and missing limits would look like none at all.
        guard let processorTime = take(own + "/cpu.stat", { CgroupProcessorTime($0) }) else { return }
        let layered = reading.disks?.layered ?? []
        var cgroup = CgroupReading(processorTime: processorTime)
        cgroup.memory = take(own + "/memory.current") { Self.number($0) }
        cgroup.tasks = take(own + "/pids.current") { Self.number($0) }
        cgroup.transfers = take(own + "/io.stat") { CgroupTransfers($0, leavingOut: layered) }
        cgroup.processorLimit = lowest("cpu.max", of: levels) { CgroupLimit(processors: $0) }
        cgroup.memoryLimit = lowest("memory.max", of: levels) { CgroupLimit($0) }
        cgroup.memoryHigh = lowest("memory.high", of: levels) { CgroupLimit($0) }
        cgroup.taskLimit = lowest("pids.max", of: levels) { CgroupLimit($0) }
        reading.cgroup = cgroup
    }

    private mutating func unavailable(_ reason: String) {
        reading.unavailable["cgroup"] = reason
    }

    /// Nil where one of the files is there and can't be read. One that isn't there limits nothing: its controller is off.
    private mutating func lowest(
        _ file: String, of levels: [String], _ parse: (Span<UInt8>) -> CgroupLimit?
    ) -> CgroupLimit? {
        var lowest = CgroupLimit.none
        var isWhole = true
        for level in levels {
            let name = "\(level)/\(file)"
            do {
                if let limit = try attempt(name, parse) {
                    lowest = lowest.lowered(to: limit)
                    continue
                }
                reading.unavailable[name] = "holds nothing that is known"
            } catch {
                if error.isAbsent { continue }
                reading.unavailable[name] = error.reason
            }
            isWhole = false
        }
        return isWhole ? lowest : nil
    }

    /// The folders of a cgroup and of its ancestors, innermost first, up to the mount point. Nil for a cgroup that can't be
    /// seen from here: in a namespace its path begins with `/..`, and in a container it may lie outside of what is mounted.
    static func levels(of path: String, in mount: MountInfo.Mount) -> [String]? {
        var names = path.split(separator: "/")
        let root = mount.root.split(separator: "/")
        guard names.starts(with: root), !names.contains("..") else { return nil }
        names.removeFirst(root.count)
        var levels: [String] = []
        while !names.isEmpty {
            levels.append(mount.mountPoint + "/" + names.joined(separator: "/"))
            names.removeLast()
        }
        // What is mounted may be the top of a container's part, which has limits; the real root has none of the files.
        return levels + [mount.mountPoint]
    }

    private static func number(_ text: Span<UInt8>) -> UInt64? {
        var walk = FieldWalk()
        return walk.number(in: text)
    }
}
