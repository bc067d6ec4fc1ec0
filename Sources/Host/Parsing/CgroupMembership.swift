/// Which cgroup the process is in, from `/proc/self/cgroup` (cgroups(7)).
package struct CgroupMembership: Sendable, Equatable {
    /// The path in the version 2 hierarchy, `/system.slice/tallyd.service`; nil on a host that has none.
    package var path: String?
    /// Those of our controllers that version 1 has: then version 2 doesn't limit or count them.
    package var inVersion1: [String]

    private static let ours: Set<Substring> = ["cpu", "memory", "blkio", "pids"]

    /// Nil where no line is that of a hierarchy.
    init?(_ text: Span<UInt8>) {
        var path: String?
        var controllers: [String] = []
        var isAny = false
        text.forEachLine { line in
            let parts = line.text(0..<line.count).split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, UInt32(parts[0]) != nil, parts[2].hasPrefix("/") else { return }
            isAny = true
            if parts[0] == "0", parts[1].isEmpty { path = String(parts[2]) }
            controllers += parts[1].split(separator: ",").filter(Self.ours.contains).map(String.init)
        }
        guard isAny else { return nil }
        self.path = path
        inVersion1 = controllers.sorted()
    }
}
