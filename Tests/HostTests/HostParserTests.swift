import Testing

@testable import Host

@Suite struct HostParserTests {
    @Test func `processor time comes by mode, hard and soft interrupts as one`() throws {
        let stat = try #require(parse(KernelText.stat) { ProcStat($0) })
        #expect(
            stat.ticks == [
                .user: 10_132_153, .nice: 290_696, .system: 3_084_719, .idle: 46_828_483, .iowait: 16_683,
                .interrupt: 25_195, .steal: 1_200,
            ])
        #expect(stat.logicalCount == 4)
        #expect(stat.absentFields.isEmpty)
    }

    @Test func `a line of processor time that ends early lacks modes and gives no zeros`() throws {
        let stat = try #require(parse("cpu  1 2 3 4\n") { ProcStat($0) })
        #expect(stat.ticks == [.user: 1, .nice: 2, .system: 3, .idle: 4])
        #expect(stat.absentFields == ["iowait", "interrupt", "steal", "cpu0"])
        #expect(parse("intr 1 2\ncpufreq 7\n") { ProcStat($0) } == nil)
    }

    @Test func `memory is in bytes, and used is what the other states leave`() throws {
        let memory = try #require(parse(KernelText.meminfo) { MemInfo($0) })
        #expect(memory.total == 16_303_428 * 1_024)
        #expect(memory.reclaimable == (9_012_316 + 684_212) * 1_024)
        #expect(memory.used == (16_303_428 - 1_203_004 - 800_512 - 9_012_316 - 684_212) * 1_024)
        #expect(memory.swapFree == 2_000_000 * 1_024)
        #expect(memory.absentFields.isEmpty)
    }

    @Test
    func `a kernel that doesn't estimate available memory has none, and parts above the total leave nothing to use`()
        throws
    {
        let old = try #require(parse("MemTotal: 100 kB\nMemFree: 40 kB\nBuffers: 1 kB\nCached: 9 kB\n") { MemInfo($0) })
        #expect(old.available == nil)
        #expect(old.used == 50 * 1_024)
        #expect(old.absentFields == ["MemAvailable", "SReclaimable", "SwapTotal", "SwapFree"])
        let odd = try #require(parse("MemTotal: 10 kB\nMemFree: 40 kB\nBuffers: 1 kB\nCached: 9 kB\n") { MemInfo($0) })
        #expect(odd.used == nil)
        #expect(parse("MemTotal: 99999999999999999999 kB\n:\n: 4\n") { MemInfo($0) } == nil)
    }

    @Test func `load averages are three, or none`() throws {
        let load = try #require(parse(KernelText.loadavg) { LoadAverage($0) })
        #expect(load.oneMinute == 0.67)
        #expect(load.fiveMinutes == 12.76)
        #expect(load.fifteenMinutes == 100.41)
        for text in [
            "", "0.1 0.2", "nan 0.1 0.2", "-0.1 0.2 0.3", "inf 1 1", "0x1p3 1 1", "1e5 1 1", ". 1 1", "1. 1 1",
        ] {
            #expect(parse(text) { LoadAverage($0) } == nil, "\(text)")
        }
    }

    @Test func `swapping and faults are found among the other lines`() throws {
        let paging = try #require(parse(KernelText.vmstat) { VMStat($0) })
        #expect(paging.swappedIn == 120)
        #expect(paging.swappedOut == 4_096)
        #expect(paging.minorFaults == 88_321_456 - 10_231)
        #expect(parse("pgfault 3\n") { VMStat($0)?.absentFields } == ["pgmajfault", "pswpin", "pswpout"])
    }

    @Test func `pressure is a share, and the processor's full line means nothing`() throws {
        let cpu = try #require(parse(KernelText.pressureCPU) { PressureStall($0, of: .cpu) })
        #expect(cpu.lines.keys.elementsEqual([.some]))
        #expect(cpu.lines[.some]?.total == 36_387_239)
        let memory = try #require(parse(KernelText.pressureMemory) { PressureStall($0, of: .memory) })
        #expect(memory.lines[.full]?.minute == 0.0025)
        #expect(memory.lines[.some]?.fiveMinutes == 0.0025)
        #expect(parse("some avg60=101.00\n") { PressureStall($0, of: .io) } == nil)
    }

    @Test func `interfaces but the loopback are read, with figures glued to the name too`() throws {
        let network = try #require(parse(KernelText.netDev) { NetworkDevices($0) })
        #expect(network.interfaces.map(\.name) == ["eth0", "eth1", "docker0", "vethab12"])
        #expect(network.interfaces[0].received == .init(bytes: 15_479_391, errors: 1, dropped: 2))
        #expect(network.interfaces[0].transmitted == .init(bytes: 20_638, errors: 3, dropped: 4))
        #expect(network.interfaces[1].transmitted.bytes == 2_000)
        #expect(parse("eth0:1: 1 2 3 4 5 6 7 8 9 1 2 3\n") { NetworkDevices($0)?.interfaces[0].name } == "eth0:1")
        #expect(parse("lo: 1 2 3 4 5 6 7 8 9 1 2 3\n") { NetworkDevices($0)?.interfaces.isEmpty } == true)
        #expect(parse("eth0: 1 2 3 4 5 6 7 8 9 1 2\n") { NetworkDevices($0) } == nil)
    }

    @Test func `the process's fields are counted from the last bracket of its name`() throws {
        let process = try #require(parse(KernelText.selfStat) { ProcessStat($0) })
        #expect(process.userTicks == 4_520)
        #expect(process.systemTicks == 1_310)
        #expect(process.minorFaults == 1_533)
        #expect(process.majorFaults == 17)
        #expect(process.startTicks == 1_520)
        #expect(parse("812 (tallyd) S 1 812") { ProcessStat($0) } == nil)
    }

    @Test func `the process's status has bytes, threads and its processors`() throws {
        let status = try #require(parse(KernelText.selfStatus) { ProcessStatus($0) })
        #expect(status.resident == 24_800 * 1_024)
        #expect(status.virtual == 1_048_576 * 1_024)
        #expect(status.threads == 7)
        #expect(status.allowedProcessors == 4)
        #expect(status.absentFields == [])
        #expect(
            parse("Cpus_allowed:\t00g\nThreads: 1\n") { ProcessStatus($0)?.absentFields.contains("Cpus_allowed") }
                == true)
    }
}
