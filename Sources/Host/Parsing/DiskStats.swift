/// What disks have done since boot, from `/proc/diskstats` (kernel: Documentation/admin-guide/iostats.rst and
/// Documentation/ABI/testing/procfs-diskstats).
///
/// Kept are whole disks. Left out, so that nothing counts twice: partitions, and devices that stand on others or on memory
/// (`loop`, `ram`, `zram`, `dm-`, `md`), and those without a medium of their own (`sr`, `fd`). The device that holds the
/// database is kept whatever it is, so what goes through LVM or RAID there counts once more, under that name; of a partition
/// its disk is kept.
package struct DiskStats: Sendable, Equatable {
    package struct Device: Sendable, Equatable {
        package var name: String
        package var number: DeviceNumber
        package var reads: UInt64
        /// Sectors are 512 bytes here, whatever the disk's own are.
        package var sectorsRead: UInt64
        package var writes: UInt64
        package var sectorsWritten: UInt64
        /// Milliseconds in which at least one operation was under way; 32 bits in the kernel, so it starts over every 49 days.
        package var busyMilliseconds: UInt64
    }

    package var devices: [Device]
    /// The devices that stand on others or on memory; what they carry is carried again below.
    package var layered: Set<DeviceNumber>

    /// The device that holds the database, or the disk of which that's a partition. Nil for one that isn't listed.
    package var own: DeviceNumber?

    /// Nil where no line is that of a device; an empty list where no device is kept.
    init?(_ text: Span<UInt8>, keeping own: DeviceNumber? = nil) {
        var all: [Device] = []
        text.forEachLine { if let device = Device($0) { all.append(device) } }
        guard !all.isEmpty else { return nil }
        let names = Set(all.map(\.name))
        let database = all.first { $0.number == own }.map { Self.disk(of: $0.name, among: names) ?? $0.name }
        devices = all.filter { $0.name == database || Self.isWholeDisk($0.name, among: names) }
        layered = Set(all.filter { Self.isLayered($0.name) }.map(\.number))
        self.own = all.first { $0.name == database }?.number
    }

    private static func isLayered(_ name: String) -> Bool {
        ["loop", "ram", "zram", "dm-", "md"].contains(where: name.hasPrefix)
    }

    private static func isWholeDisk(_ name: String, among names: Set<String>) -> Bool {
        !isLayered(name) && !name.hasPrefix("sr") && !name.hasPrefix("fd") && disk(of: name, among: names) == nil
    }

    /// The disk of which `name` is a partition: that's called after its disk, and a `p` stands between where the disk's name ends
    /// in a digit. Only a disk that is listed has partitions: on some clouds `xvda1` is all there is.
    private static func disk(of name: String, among names: Set<String>) -> String? {
        var disk = Substring(name)
        while let last = disk.last, last.isASCII, last.isNumber { disk.removeLast() }
        guard disk.count < name.count, let letter = disk.last else { return nil }
        let shorter = disk.dropLast()
        if letter == "p", let digit = shorter.last, digit.isNumber, names.contains(String(shorter)) {
            return String(shorter)
        }
        return names.contains(String(disk)) ? String(disk) : nil
    }
}

extension DiskStats.Device {
    /// Of one line. Lines of 11 figures (to 4.17), 15 and 17 (from 5.5) begin alike; one of 4, as partitions had before 2.6.25,
    /// isn't read.
    fileprivate init?(_ line: Span<UInt8>) {
        var walk = FieldWalk()
        guard let major = walk.number(in: line).flatMap(UInt32.init(exactly:)),
            let minor = walk.number(in: line).flatMap(UInt32.init(exactly:)),
            let name = walk.word(in: line),
            let reads = walk.number(in: line)
        else { return nil }
        walk.skip(1, in: line)  // merged
        guard let sectorsRead = walk.number(in: line) else { return nil }
        walk.skip(1, in: line)  // time of all reads
        guard let writes = walk.number(in: line) else { return nil }
        walk.skip(1, in: line)
        guard let sectorsWritten = walk.number(in: line) else { return nil }
        walk.skip(2, in: line)  // time of all writes; operations under way
        guard let busy = walk.number(in: line) else { return nil }
        self.init(
            name: name, number: DeviceNumber(major: major, minor: minor), reads: reads, sectorsRead: sectorsRead,
            writes: writes, sectorsWritten: sectorsWritten, busyMilliseconds: busy)
    }
}
