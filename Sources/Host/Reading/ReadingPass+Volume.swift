import Glibc

extension ReadingPass {
    /// The volume of a path, and the mount of cgroup v2, which stands in the same file.
    mutating func readVolume(_ path: String) {
        let (resolved, device) = locate(path)
        let mounts = take("/proc/self/mountinfo") { MountInfo($0, path: resolved, device: device) }
        cgroupMount = mounts?.cgroup

        var figures = statvfs()
        guard statvfs(path, &figures) == 0 else {
            reading.unavailable["statvfs"] = FileProblem.system(errno).reason
            return
        }
        let block = UInt64(figures.f_frsize)
        let (total, isTooLarge) = UInt64(figures.f_blocks).multipliedReportingOverflow(by: block)
        // A network file system may say anything; procfs and the like say that they have no blocks.
        guard !isTooLarge, total > 0, figures.f_bfree <= figures.f_blocks, figures.f_bavail <= figures.f_bfree else {
            reading.unavailable["statvfs"] = "the volume doesn't say how large it is"
            return
        }
        reading.volume = Volume(
            total: total, free: UInt64(figures.f_bfree) * block, available: UInt64(figures.f_bavail) * block,
            mount: mounts?.volume)
        if mounts != nil, mounts?.volume == nil {
            reading.unavailable["/proc/self/mountinfo"] = "names no mount that holds the database"
        }
    }

    /// The path without symbolic links, and its device. For what isn't there both are nil, and statvfs says why.
    private func locate(_ path: String) -> (resolved: String?, device: DeviceNumber?) {
        var attributes = stat()
        guard stat(path, &attributes) == 0, let resolved = realpath(path, nil) else { return (nil, nil) }
        defer { free(resolved) }
        return (String(cString: resolved), DeviceNumber(stat: UInt64(attributes.st_dev)))
    }
}
