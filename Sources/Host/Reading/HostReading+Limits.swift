extension HostReading {
    /// Processors that this process can use at once, such as 0.5: the smallest of those online, its affinity and the quotas.
    ///
    /// Nil where the cgroup, or a quota on the way, couldn't be read, since that may be the smallest.
    package var usableProcessors: Double? {
        guard let quota = cgroup?.processorLimit else { return nil }
        return [reachableProcessors, quota.value].compactMap(\.self).min()
    }

    /// The same without quotas.
    var reachableProcessors: Double? {
        let online = processors.flatMap { $0.logicalCount > 0 ? $0.logicalCount : nil }
        return [online, status?.allowedProcessors].compactMap(\.self).min().map { Double($0) }
    }

    /// Bytes that this process can use, with all others in its cgroup: the smaller of what the host has and the limits. Nil where
    /// the host's, or a limit on the way, couldn't be read.
    package var usableMemory: Double? {
        guard let total = memory?.total, let limit = cgroup?.memoryLimit else { return nil }
        return min(Double(total), limit.value ?? .infinity)
    }
}
