import Foundation
import Testing

@testable import Host

@Suite struct HostDeltaTests {
    private func reading(_ change: (inout HostReading) -> Void = { _ in }) throws -> HostReading {
        var reading = try HostFolder.whole().read()
        // The one figure that comes from this process and not from the folder.
        reading.switches = ContextSwitches(voluntary: 100, involuntary: 5)
        change(&reading)
        return reading
    }

    private func value(_ name: String, _ tags: [String: String] = [:], in delta: HostDelta) -> Double? {
        delta.samples.first { sample in
            sample.name == name && tags.allSatisfy { sample.tags[$0.key] == $0.value }
        }?.value
    }

    @Test func `the first reading gives gauges only, and so does no time between two`() throws {
        let now = try reading()
        let gauges = Set(MetricSample.documentation.filter { $0.kind == .gauge }.map(\.name))
        for delta in [
            HostDelta(from: nil, to: now, elapsed: .seconds(60)), HostDelta(from: now, to: now, elapsed: .zero),
            HostDelta(from: now, to: now, elapsed: .seconds(-1)),
        ] {
            #expect(!delta.samples.isEmpty)
            #expect(delta.samples.allSatisfy { gauges.contains($0.name) })
            #expect(delta.interrupted == [])
        }
    }

    @Test func `shares of processor time are of what was counted and add up to 1`() throws {
        let before = try reading()
        let after = try reading {
            $0.processors?.ticks[.user]? += 300
            $0.processors?.ticks[.idle]? += 600
            $0.processors?.ticks[.interrupt]? += 100
        }
        let delta = HostDelta(from: before, to: after, elapsed: .milliseconds(2_500))
        #expect(value("system.cpu.time", ["cpu.mode": "user"], in: delta) == 3)
        #expect(value("system.cpu.utilization", ["cpu.mode": "user"], in: delta) == 0.3)
        #expect(value("system.cpu.utilization", ["cpu.mode": "idle"], in: delta) == 0.6)
        #expect(value("system.cpu.utilization", ["cpu.mode": "nice"], in: delta) == 0)
        let shares = delta.samples.filter { $0.name == "system.cpu.utilization" }.map(\.value)
        #expect(abs(shares.reduce(0, +) - 1) < 1e-12)
    }

    @Test func `a counter that went back gives no sample and is named`() throws {
        let before = try reading()
        let after = try reading {
            $0.processors?.ticks[.iowait]? -= 3
            $0.processors?.ticks[.user]? += 10
            $0.disks?.devices[0].busyMilliseconds = 0
            $0.network?.interfaces[0].received.bytes -= 1
            $0.process?.userTicks -= 1
        }
        let delta = HostDelta(from: before, to: after, elapsed: .seconds(60))
        #expect(value("system.cpu.time", ["cpu.mode": "iowait"], in: delta) == nil)
        #expect(value("system.cpu.utilization", ["cpu.mode": "iowait"], in: delta) == nil)
        #expect(value("system.cpu.utilization", ["cpu.mode": "user"], in: delta) == 1)
        #expect(value("system.disk.io_time", ["system.device": "nvme0n1"], in: delta) == nil)
        #expect(value("system.disk.io", ["system.device": "nvme0n1"], in: delta) == 0)
        #expect(value("process.cpu.utilization", ["cpu.mode": "user"], in: delta) == nil)
        #expect(
            delta.interrupted == [
                "system.cpu.time cpu.mode=iowait",
                "system.disk.io_time system.device=nvme0n1",
                "system.network.io network.interface.name=eth0 network.io.direction=receive",
                "process.cpu.time cpu.mode=user",
            ])
    }

    @Test func `disks count sectors of 512 bytes and milliseconds`() throws {
        let before = try reading()
        let after = try reading {
            $0.disks?.devices[0].sectorsWritten += 8
            $0.disks?.devices[0].writes += 2
            $0.disks?.devices[0].busyMilliseconds += 1_500
        }
        let delta = HostDelta(from: before, to: after, elapsed: .seconds(60))
        let tags = ["system.device": "nvme0n1", "disk.io.direction": "write"]
        #expect(value("system.disk.io", tags, in: delta) == 4_096)
        #expect(value("system.disk.operations", tags, in: delta) == 2)
        #expect(value("system.disk.io_time", ["system.device": "nvme0n1"], in: delta) == 1.5)
    }

    @Test func `a device that has come or gone between the readings gives nothing`() throws {
        let both = try reading()
        let one = try reading {
            $0.disks?.devices.removeFirst()
            $0.network?.interfaces.removeFirst()
        }
        for (from, to) in [(both, one), (one, both)] {
            let delta = HostDelta(from: from, to: to, elapsed: .seconds(60))
            #expect(!delta.samples.contains { $0.tags.values.contains("nvme0n1") || $0.tags.values.contains("eth0") })
            #expect(delta.samples.contains { $0.tags.values.contains("sda") })
            #expect(delta.interrupted == [])
        }
        // Another disk that was given the same name isn't the same one.
        let swapped = try reading { $0.disks?.devices[0].number.minor = 99 }
        #expect(
            !HostDelta(from: both, to: swapped, elapsed: .seconds(60)).samples.contains {
                $0.tags["system.device"] == "nvme0n1"
            })
    }

    @Test func `five hundred virtual interfaces and fifty disks stay within the bound, and none is lost from the sums`()
        throws
    {
        func crowded(_ bytes: UInt64) throws -> HostReading {
            try reading { reading in
                for number in 0..<500 {
                    let flow = NetworkDevices.Flow(bytes: bytes, errors: 0, dropped: 0)
                    reading.network?.interfaces.append(.init(name: "veth\(number)", received: flow, transmitted: flow))
                }
                let disk = DiskStats.Device(
                    name: "", number: .init(major: 65, minor: 0), reads: 0, sectorsRead: 0, writes: 0,
                    sectorsWritten: bytes, busyMilliseconds: bytes)
                for number in 0..<50 {
                    reading.disks?.devices.append(disk)
                    reading.disks?.devices[6 + number].name = "vd\(number)"
                }
            }
        }
        let delta = try HostDelta(from: crowded(1_000), to: crowded(1_010), elapsed: .seconds(60))
        #expect(delta.samples.count <= 146)
        #expect(value("system.linux.network.folded", in: delta) == 502)
        #expect(value("system.linux.disk.folded", in: delta) == 52)
        let rest = ["network.interface.name": "(rest)", "network.io.direction": "receive"]
        #expect(value("system.network.io", rest, in: delta) == 5_000)
        // Fifty disks times ten sectors.
        let written = delta.samples.filter { $0.name == "system.disk.io" && $0.tags["disk.io.direction"] == "write" }
        #expect(written.map(\.value).reduce(0, +) == 256_000)
        #expect(!delta.samples.contains { $0.name == "system.disk.io_time" && $0.tags["system.device"] == "(rest)" })
        // What is said of counters that start over is bounded too.
        let restarted = try HostDelta(from: crowded(1_010), to: crowded(1_000), elapsed: .seconds(60))
        // Two of the disks that are shown, two figures each; the rest of the disks; two directions of the network.
        #expect(restarted.interrupted.count == 7)
        #expect(value("system.network.io", rest, in: restarted) == 0)
    }

    @Test func `the database's disk is shown however little it does`() throws {
        let own = try reading { reading in
            reading.disks?.own = DeviceNumber(major: 8, minor: 16)
        }
        let delta = HostDelta(from: own, to: own, elapsed: .seconds(60))
        let shown = Set(delta.samples.compactMap { $0.name == "system.disk.io_time" ? $0.tags["system.device"] : nil })
        #expect(shown == ["sdb", "nvme0n1", "sda", "xvda1"])
    }

    @Test func `shares are of what the process can use, and at most 1`() throws {
        let before = try reading()
        let after = try reading { $0.process?.userTicks += 4_500 }
        // 45 s of 60 s × 1.5 processors.
        let delta = HostDelta(from: before, to: after, elapsed: .seconds(60))
        #expect(value("process.cpu.utilization", ["cpu.mode": "user"], in: delta) == 0.5)
        #expect(value("process.cpu.time", ["cpu.mode": "user"], in: delta) == 45)
        let full = HostDelta(from: before, to: after, elapsed: .seconds(20))
        #expect(value("process.cpu.utilization", ["cpu.mode": "user"], in: full) == 1)
        let short = HostDelta(from: before, to: after, elapsed: .milliseconds(999))
        #expect(value("process.cpu.utilization", in: short) == nil)
        #expect(value("process.uptime", in: delta) == 84.8)
        // 50 MB of 256 MiB.
        #expect(value("process.linux.cgroup.memory.utilization", in: delta) == 50_000_000.0 / 268_435_456)
    }

    @Test func `memory's states add up to its limit, and no swap has no shares`() throws {
        let delta = try HostDelta(from: nil, to: reading(), elapsed: .zero)
        let states = delta.samples.filter { $0.name == "system.memory.usage" }.map(\.value)
        #expect(states.count == 4)
        #expect(states.reduce(0, +) == value("system.memory.limit", in: delta))
        let volume = delta.samples.filter { $0.name == "system.filesystem.usage" }.map(\.value)
        #expect(volume.reduce(0, +) == value("system.filesystem.limit", in: delta))
        let swapless = try reading {
            $0.memory?.swapTotal = 0
            $0.memory?.swapFree = 0
        }
        let none = HostDelta(from: nil, to: swapless, elapsed: .zero)
        #expect(value("system.paging.usage", ["system.paging.state": "used"], in: none) == 0)
        #expect(value("system.paging.utilization", in: none) == nil)
    }

    @Test func `with ProcSubset=pid the process has its samples and the host has none`() throws {
        let folder = try HostFolder.whole()
        for path in HostFolder.hostFiles { try folder.remove("proc/\(path)") }
        let reading = folder.read()
        let names = Set(HostDelta(from: reading, to: reading, elapsed: .seconds(60)).samples.map(\.name))
        #expect(!names.contains { $0.hasPrefix("system.cpu") || $0.hasPrefix("system.memory") || $0.contains("disk") })
        #expect(names.isSuperset(of: ["process.cpu.utilization", "process.linux.cpu.limit", "system.network.io"]))
    }

    @Test func `without any file there's what system calls say, and nothing else`() throws {
        let folder = try HostFolder()
        try folder.remove("proc")
        let first = folder.read()
        let samples = folder.read().samples(since: first, elapsed: .seconds(60))
        let volume = ["system.filesystem.limit", "system.filesystem.usage", "system.filesystem.utilization"]
        #expect(Set(samples.map(\.name)) == Set(volume + ["system.uptime", "process.context_switches"]))
    }
}
