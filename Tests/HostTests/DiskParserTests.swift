import Testing

@testable import Host

@Suite struct DiskParserTests {
    @Test func `whole disks are kept, and neither partitions nor what stands on other devices or on memory`() throws {
        let disks = try #require(parse(KernelText.diskstats) { DiskStats($0) })
        #expect(disks.devices.map(\.name) == ["nvme0n1", "sda", "sdb", "sdc", "sdd", "xvda1"])
        #expect(disks.layered.contains(DeviceNumber(major: 253, minor: 0)))
        let first = disks.devices[0]
        #expect(first.reads == 102_938)
        #expect(first.sectorsRead == 3_322_818)
        #expect(first.writes == 69_130)
        #expect(first.sectorsWritten == 9_702_080)
        #expect(first.busyMilliseconds == 7_404)
    }

    @Test func `the database's own device is kept whatever it is, and of a partition the disk`() throws {
        let volume = DeviceNumber(major: 253, minor: 0)
        let mapped = try #require(parse(KernelText.diskstats) { DiskStats($0, keeping: volume) })
        #expect(mapped.devices.map(\.name).contains("dm-0"))
        #expect(mapped.own == volume)
        let partition = DeviceNumber(major: 259, minor: 2)
        let whole = try #require(parse(KernelText.diskstats) { DiskStats($0, keeping: partition) })
        #expect(!whole.devices.map(\.name).contains("nvme0n1p2"))
        #expect(whole.own == DeviceNumber(major: 259, minor: 0))
        let none = try #require(
            parse(KernelText.diskstats) { DiskStats($0, keeping: DeviceNumber(major: 0, minor: 40)) })
        #expect(none.own == nil)
    }

    @Test(arguments: [
        (["nvme0n1", "nvme0n10"], ["nvme0n1", "nvme0n10"]),
        (["mmcblk0", "mmcblk0p1", "mmcblk0boot0"], ["mmcblk0", "mmcblk0boot0"]),
        (["xvda", "xvda1", "xvdb"], ["xvda", "xvdb"]),
        (["sda10"], ["sda10"]),
    ])
    func `a partition is one only where its disk is listed`(listed: [String], kept: [String]) {
        let text = listed.map { "8 0 \($0) 1 0 1 0 1 0 1 0 0 1 1\n" }.joined()
        #expect(parse(text) { DiskStats($0)?.devices.map(\.name) } == kept)
    }

    @Test func `lines of older kernels and lines that end early`() {
        let old = "   8       0 sda 5 0 40 1 6 0 48 1 0 9 2\n   8       1 sda1 1 2 3 4\n"
        #expect(parse(old) { DiskStats($0)?.devices.map(\.busyMilliseconds) } == [9])
        #expect(parse("8 0 sda 5 0 40 1 6 0 48 1 0") { DiskStats($0) } == nil)
        #expect(parse("only memory: loop\n") { DiskStats($0) } == nil)
        #expect(parse("7 0 loop0 1 0 1 0 1 0 1 0 0 1 1\n") { DiskStats($0)?.devices.isEmpty } == true)
    }

    @Test func `the mount of a path is the longest above it, unless the device says that it's covered`() throws {
        func mount(_ path: String, _ device: DeviceNumber?) -> MountInfo.Mount? {
            parse(KernelText.mountinfo) { MountInfo($0, path: path, device: device)?.volume }
        }
        let data = try #require(mount("/var/lib/my data/usage.db", nil))
        #expect(data.source == "/dev/sda1")
        #expect(data.mountPoint == "/var/lib/my data")
        #expect(data.type == "xfs")
        #expect(!data.isReadOnly)
        #expect(mount("/var/lib/my data/cold/usage.db", nil)?.isReadOnly == true)
        #expect(mount("/var/lib/my database/usage.db", nil)?.mountPoint == "/")
        #expect(mount("/var/lib/my data/cold/usage.db", data.device)?.mountPoint == "/var/lib/my data")
        #expect(mount("/usage.db", DeviceNumber(major: 0, minor: 99))?.source == "/dev/nvme0n1p2")
    }

    @Test func `the last of several mounts on one point covers the others`() {
        let text = KernelText.mountinfo + "50 27 0:77 / / rw - overlay overlay rw\n"
        #expect(parse(text) { MountInfo($0, path: "/x", device: nil)?.volume?.type } == "overlay")
        #expect(parse("1 2 3\n") { MountInfo($0, path: "/x", device: nil) } == nil)
    }

    @Test func `device numbers above 255 come out of stat's bits`() {
        // makedev(259, 2), makedev(4095, 1048575) as glibc spreads them.
        #expect(DeviceNumber(stat: 0x10302) == DeviceNumber(major: 259, minor: 2))
        #expect(DeviceNumber(stat: 0xFFF_FFFFF) == DeviceNumber(major: 4_095, minor: 0xFFFFF))
    }
}
