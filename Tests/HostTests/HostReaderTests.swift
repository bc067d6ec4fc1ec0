import Testing

@testable import Host

@Suite struct HostReaderTests {
    @Test func `a whole host leaves nothing unavailable`() throws {
        let folder = try HostFolder.whole()
        let reading = folder.read()
        #expect(reading.unavailable == [:])
        #expect(reading.openFiles == 9)
        #expect(reading.sinceBoot == .seconds(100))
        #expect(reading.pressure.count == 3)
        #expect(reading.volume?.mount?.mountPoint == "/")
    }

    @Test func `limits are the smallest on the way from the own cgroup to the root`() throws {
        let folder = try HostFolder.whole()
        let cgroup = try #require(folder.read().cgroup)
        #expect(cgroup.processorLimit == .at(1.5))
        #expect(cgroup.memoryLimit == .at(268_435_456))
        #expect(cgroup.memoryHigh == .at(200_000_000))
        #expect(cgroup.taskLimit == .at(4_915))
        #expect(cgroup.memory == 50_000_000)
        #expect(cgroup.tasks == 9)
        // Four processors are online and allowed; the quota is smaller.
        #expect(folder.read().usableProcessors == 1.5)
        #expect(folder.read().usableMemory == 268_435_456)
        // The slice's turn.
        try folder.write("50000 100000\n", to: "sys/fs/cgroup/system.slice/cpu.max")
        #expect(folder.read().usableProcessors == 0.5)
        // The limits of a container's top, seen as the mount point.
        try folder.write("10000 100000\n", to: "sys/fs/cgroup/cpu.max")
        #expect(folder.read().usableProcessors == 0.1)
    }

    @Test func `a limit that can't be read isn't taken for none`() throws {
        let folder = try HostFolder.whole()
        try folder.write("garbage\n", to: "sys/fs/cgroup/system.slice/memory.max")
        let reading = folder.read()
        #expect(reading.cgroup?.memoryLimit == nil)
        #expect(reading.usableMemory == nil)
        #expect(reading.unavailable == ["/sys/fs/cgroup/system.slice/memory.max": "holds nothing that is known"])
    }

    @Test func `a controller that is off limits nothing, and what it would count is named`() throws {
        let folder = try HostFolder.whole()
        for file in ["memory.max", "memory.high", "memory.current"] {
            try folder.remove("\(HostFolder.service)/\(file)")
        }
        let reading = folder.read()
        #expect(reading.cgroup?.memoryLimit == .at(268_435_456))
        #expect(reading.unavailable == ["/\(HostFolder.service)/memory.current": "No such file or directory"])
    }

    @Test(arguments: [
        ("4:memory:/a\n0::/b\n", "version 1 holds memory here, and only version 2 is read"),
        ("1:name=systemd:/a\n", "the process is in none of version 2"),
        ("0::/../elsewhere\n", "/../elsewhere isn't below /, which is what /sys/fs/cgroup shows"),
    ])
    func `version 1, a mix and a foreign namespace are named`(text: String, reason: String) throws {
        let folder = try HostFolder.whole()
        try folder.write(text, to: "proc/self/cgroup")
        let reading = folder.read()
        #expect(reading.cgroup == nil)
        #expect(reading.unavailable == ["cgroup": reason])
        // It might be limited, so what it may use isn't said; its affinity still says what its time is a share of.
        #expect(reading.usableProcessors == nil)
        #expect(reading.usableMemory == nil)
        #expect(reading.reachableProcessors == 4)
    }

    @Test func `a cgroup whose folder isn't there has no limits to speak of`() throws {
        let folder = try HostFolder.whole()
        try folder.write("0::/gone.slice\n", to: "proc/self/cgroup")
        let reading = folder.read()
        #expect(reading.cgroup == nil)
        #expect(reading.unavailable == ["/sys/fs/cgroup/gone.slice/cpu.stat": "No such file or directory"])
    }

    @Test func `with ProcSubset=pid the host's files are named and the process's are read`() throws {
        let folder = try HostFolder.whole()
        for path in HostFolder.hostFiles { try folder.remove("proc/\(path)") }
        let reading = folder.read()
        #expect(
            reading.unavailable
                == Dictionary(
                    uniqueKeysWithValues: HostFolder.hostFiles.map { ("/proc/\($0)", "No such file or directory") }))
        #expect(reading.process != nil)
        #expect(reading.network != nil)
        #expect(reading.volume != nil)
        #expect(reading.usableProcessors == 1.5)
        // The host may have less memory than the limit.
        #expect(reading.usableMemory == nil)
        #expect(reading.cgroup?.transfers != nil)
    }

    @Test func `nothing at all is a reading too, and every source of it is named`() throws {
        let folder = try HostFolder()
        try folder.remove("proc")
        let reading = folder.read()
        #expect(reading.unavailable.count == 14)
        #expect(reading.unavailable.values.allSatisfy { $0 == "No such file or directory" })
    }

    @Test func `a database that isn't there is named`() throws {
        let folder = try HostFolder.whole()
        let reading = folder.read(database: "none/usage.db")
        #expect(reading.volume == nil)
        #expect(reading.unavailable == ["statvfs": "No such file or directory"])
    }

    @Test func `a file longer than the buffer is read whole`() throws {
        let folder = try HostFolder.whole()
        let many = (0..<900).map { "cpu\($0) 1 2 3 4 5 6 7 8 0 0\n" }.joined()
        let interrupts = "intr " + String(repeating: "0 ", count: 40_000)
        try folder.write("cpu  9 9 9 9 9 9 9 9 0 0\n\(interrupts)\n\(many)", to: "proc/stat")
        #expect(folder.read().processors?.logicalCount == 900)
    }

    @Test func `the folders of a cgroup go from the innermost up to what is mounted`() {
        func levels(_ path: String, root: String) -> [String]? {
            let mount = MountInfo.Mount(
                device: DeviceNumber(major: 0, minor: 28), root: root, mountPoint: "/sys/fs/cgroup", isReadOnly: false,
                type: "cgroup2", source: "cgroup2")
            return ReadingPass.levels(of: path, in: mount)
        }
        #expect(levels("/a/b", root: "/") == ["/sys/fs/cgroup/a/b", "/sys/fs/cgroup/a", "/sys/fs/cgroup"])
        #expect(levels("/", root: "/") == ["/sys/fs/cgroup"])
        #expect(levels("/docker/x/y", root: "/docker/x") == ["/sys/fs/cgroup/y", "/sys/fs/cgroup"])
        #expect(levels("/other", root: "/docker/x") == nil)
        #expect(levels("/../other", root: "/") == nil)
    }
}
