extension HostDelta {
    mutating func addProcess(from earlier: HostReading?, to later: HostReading, elapsed: Duration) {
        let (before, after) = (earlier?.process, later.process)
        let processors = later.usableProcessors
        let times = [
            ("user", before?.userTicks, after?.userTicks), ("system", before?.systemTicks, after?.systemTicks),
        ]
        for (mode, from, to) in times {
            let tags = [Tag.mode: mode]
            guard let grown = growth(.processTime, from: from, to: to, tags) else { continue }
            let seconds = Double(grown) / later.ticksPerSecond
            add(.processTime, seconds, tags)
            guard let share = processors ?? later.reachableProcessors, share > 0, elapsed >= Self.shortest else {
                continue
            }
            // Ticks are rounded, and a quota lets a little more through: a full share may come out as 1.01.
            add(.processUtilization, min(1, seconds / (elapsed.inSeconds * share)), tags)
        }
        add(.processMemory, later.status?.resident)
        add(.processVirtual, later.status?.virtual)
        add(.processFiles, later.openFiles.map { Double($0) })
        add(.processThreads, later.status?.threads)
        let (was, now) = (earlier?.switches, later.switches)
        let switches = [
            ("voluntary", was?.voluntary, now?.voluntary),
            ("involuntary", was?.involuntary, now?.involuntary),
        ]
        for (type, from, to) in switches { add(.processSwitches, growthFrom: from, to: to, [Tag.switchType: type]) }
        let faults = [
            ("major", before?.majorFaults, after?.majorFaults), ("minor", before?.minorFaults, after?.minorFaults),
        ]
        for (type, from, to) in faults { add(.processFaults, growthFrom: from, to: to, [Tag.faultType: type]) }
        if let start = after?.startTicks, let now = later.sinceBoot?.inSeconds {
            add(.processUptime, now - Double(start) / later.ticksPerSecond)
        }
        add(.processorsAllowed, processors)
        add(.memoryAllowed, later.usableMemory)
    }

    mutating func addCgroup(from earlier: HostReading?, to later: HostReading) {
        guard let cgroup = later.cgroup else { return }
        let (before, after) = (earlier?.cgroup?.processorTime, cgroup.processorTime)
        let microsecond = 1e-6
        add(.cgroupTime, growthFrom: before?.user, to: after?.user, scale: microsecond, [Tag.mode: "user"])
        add(.cgroupTime, growthFrom: before?.system, to: after?.system, scale: microsecond, [Tag.mode: "system"])
        add(.cgroupQuota, cgroup.processorLimit?.value)
        add(.cgroupPeriods, growthFrom: before?.periods, to: after?.periods)
        add(.cgroupThrottledPeriods, growthFrom: before?.throttledPeriods, to: after?.throttledPeriods)
        add(.cgroupThrottled, growthFrom: before?.throttled, to: after?.throttled, scale: microsecond)

        let memory = cgroup.memory.map { Double($0) }
        add(.cgroupMemory, memory)
        add(.cgroupMemoryLimit, cgroup.memoryLimit?.value)
        add(.cgroupMemoryHigh, cgroup.memoryHigh?.value)
        if let memory, let limit = later.usableMemory, limit > 0 {
            // The kernel lets usage pass a limit that was lowered beneath it, until it has taken memory back.
            add(.cgroupMemoryUtilization, min(1, memory / limit))
        }
        let (from, to) = (earlier?.cgroup?.transfers, cgroup.transfers)
        let transfers = [
            ("read", from?.bytesRead, to?.bytesRead, from?.reads, to?.reads),
            ("write", from?.bytesWritten, to?.bytesWritten, from?.writes, to?.writes),
        ]
        for (direction, bytesBefore, bytes, operationsBefore, operations) in transfers {
            let tags = [Tag.diskDirection: direction]
            add(.cgroupIO, growthFrom: bytesBefore, to: bytes, tags)
            add(.cgroupOperations, growthFrom: operationsBefore, to: operations, tags)
        }
        add(.cgroupTasks, cgroup.tasks)
        add(.cgroupTaskLimit, cgroup.taskLimit?.value)
    }
}
