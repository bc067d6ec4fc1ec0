extension ReadingPass {
    /// Call after `readVolume`, which says on what device the database lies.
    mutating func readHost() {
        reading.processors = take("/proc/stat") { ProcStat($0) }
        note(reading.processors?.absentFields, in: "/proc/stat")
        reading.load = take("/proc/loadavg") { LoadAverage($0) }
        reading.memory = take("/proc/meminfo") { MemInfo($0) }
        note(reading.memory?.absentFields, in: "/proc/meminfo")
        reading.paging = take("/proc/vmstat") { VMStat($0) }
        note(reading.paging?.absentFields, in: "/proc/vmstat")
        for resource in PressureStall.Resource.allCases {
            reading.pressure[resource] = take("/proc/pressure/\(resource.rawValue)") { PressureStall($0, of: resource) }
        }
        let own = reading.volume?.mount?.device
        reading.disks = take("/proc/diskstats") { DiskStats($0, keeping: own) }
        // By way of self: /proc/net itself isn't there under ProcSubset=pid.
        reading.network = take("/proc/self/net/dev") { NetworkDevices($0) }
    }
}
