import Testing

@testable import Host

@Suite struct CgroupParserTests {
    @Test func `membership is the version 2 path, and names the controllers that version 1 holds`() throws {
        let pure = try #require(parse(KernelText.cgroup) { CgroupMembership($0) })
        #expect(pure == parse("0::/system.slice/tallyd.service") { CgroupMembership($0) })
        #expect(pure.path == "/system.slice/tallyd.service")
        #expect(pure.inVersion1.isEmpty)
        let mixed = try #require(
            parse("12:pids:/a\n4:cpu,cpuacct:/a:b\n1:name=systemd:/init\n0::/init.scope\n") { CgroupMembership($0) })
        #expect(mixed.path == "/init.scope")
        #expect(mixed.inVersion1 == ["cpu", "pids"])
        #expect(parse("nonsense\n0::\n") { CgroupMembership($0) } == nil)
    }

    @Test func `limits are numbers or max, and nothing else`() {
        #expect(parse("268435456\n") { CgroupLimit($0) } == .at(268_435_456))
        #expect(parse("max\n") { CgroupLimit($0) } == CgroupLimit.none)
        for text in ["", "\n", "-1\n", "maximum\n", "1.5\n"] {
            #expect(parse(text) { CgroupLimit($0) } == nil, "\(text)")
        }
        #expect(parse("50000 100000\n") { CgroupLimit(processors: $0) } == .at(0.5))
        #expect(parse("max 100000\n") { CgroupLimit(processors: $0) } == CgroupLimit.none)
        for text in ["50000\n", "50000 0\n", "50000 max\n", "100000"] {
            #expect(parse(text) { CgroupLimit(processors: $0) } == nil, "\(text)")
        }
    }

    @Test func `the lower of two limits holds`() {
        #expect(CgroupLimit.at(2).lowered(to: .at(1)) == .at(1))
        #expect(CgroupLimit.none.lowered(to: .at(1)) == .at(1))
        #expect(CgroupLimit.at(1).lowered(to: .none) == .at(1))
        #expect(CgroupLimit.none.lowered(to: .none) == .none)
    }

    @Test func `processor time without the controller has no throttling rather than none of it`() throws {
        let full = try #require(parse(KernelText.cpuStat) { CgroupProcessorTime($0) })
        #expect(full.user == 4_520_000)
        #expect(full.throttledPeriods == 7)
        #expect(full.throttled == 350_000)
        let bare = try #require(parse("usage_usec 9\nuser_usec 5\nsystem_usec 4\n") { CgroupProcessorTime($0) })
        #expect(bare.periods == nil)
        #expect(bare.throttled == nil)
        #expect(parse("usage 1\n") { CgroupProcessorTime($0) } == nil)
    }

    @Test func `transfers add up over disks, and layered devices don't count twice`() throws {
        let layered: Set = [DeviceNumber(major: 253, minor: 0)]
        let transfers = try #require(parse(KernelText.ioStat) { CgroupTransfers($0, leavingOut: layered) })
        #expect(transfers.bytesRead == 5_096)
        #expect(transfers.bytesWritten == 8_192)
        #expect(transfers.reads == 4)
        #expect(transfers.writes == 2)
        #expect(parse("") { CgroupTransfers($0)?.bytesRead } == 0)
        #expect(parse("8:0 rbytes=x\n") { CgroupTransfers($0) } == nil)
        #expect(parse("what\n") { CgroupTransfers($0) } == nil)
    }
}
