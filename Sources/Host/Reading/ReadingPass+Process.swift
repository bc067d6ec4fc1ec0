import Glibc

extension ReadingPass {
    mutating func readProcess() {
        reading.process = take("/proc/self/stat") { ProcessStat($0) }
        reading.status = take("/proc/self/status") { ProcessStatus($0) }
        note(reading.status?.absentFields, in: "/proc/self/status")
        var usage = rusage()
        if getrusage(Int32(RUSAGE_SELF.rawValue), &usage) == 0, let voluntary = UInt64(exactly: usage.ru_nvcsw),
            let involuntary = UInt64(exactly: usage.ru_nivcsw)
        {
            reading.switches = ContextSwitches(voluntary: voluntary, involuntary: involuntary)
        } else {
            reading.unavailable["getrusage"] = FileProblem.system(errno).reason
        }
        do {
            reading.openFiles = try countOpenFiles()
        } catch {
            reading.unavailable["/proc/self/fd"] = error.reason
        }
    }

    /// Entries of `/proc/self/fd` without the one that reading it opens (proc_pid_fd(5)). From Linux 6.2 on the folder's size says
    /// the same, but a size of zero would not tell an older kernel.
    private func countOpenFiles() throws(FileProblem) -> Int {
        guard let folder = opendir(place("/proc/self/fd")) else { throw .system(errno) }
        defer { closedir(folder) }
        let own = dirfd(folder)
        var count = 0
        // readdir tells an error from the end by errno alone.
        errno = 0
        while let entry = readdir(folder) {
            // A name that is no number is "." or "..".
            let number = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                bytes.baseAddress.flatMap { Int32(String(cString: $0.assumingMemoryBound(to: CChar.self))) }
            }
            if let number, number != own { count += 1 }
        }
        guard errno == 0 else { throw .system(errno) }
        return count
    }
}
