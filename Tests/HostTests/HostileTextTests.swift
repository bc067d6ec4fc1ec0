import Testing

@testable import Host

/// Kernels don't print such text. A cut read, a container's imitation of /proc (lxcfs) or a disk that fails under a fixture may.
@Suite struct HostileTextTests {
    @Test func `every beginning of every file is read without a crash and without an odd value`() throws {
        let whole = try HostFolder.whole().read()
        for (path, text) in HostFolder.texts {
            let bytes = Array(text.utf8)
            for length in 0..<bytes.count {
                var reading = whole
                parse(bytes[..<length], as: path, into: &reading)
                check(reading, after: whole, "\(path) cut at \(length)")
            }
        }
    }

    @Test func `mutated files are read without a crash and without an odd value`() throws {
        let whole = try HostFolder.whole().read()
        let seed = Seeded.seed
        print("HostileTextTests: TALLYD_TEST_SEED=\(seed)")
        var random = Seeded(seed: seed)
        let files = HostFolder.texts.sorted { $0.key < $1.key }
        for round in 0..<4_000 {
            var reading = whole
            for _ in 0..<3 {
                guard let (path, text) = files.randomElement(using: &random) else { continue }
                parse(mutated(Array(text.utf8), &random), as: path, into: &reading)
            }
            check(reading, after: whole, "seed \(seed), round \(round)")
            check(whole, after: reading, "seed \(seed), round \(round), backwards")
        }
    }

    private func mutated(_ bytes: [UInt8], _ random: inout Seeded) -> [UInt8] {
        var bytes = bytes
        let words = [
            "99999999999999999999", "18446744073709551615", "-1", "nan", "inf", "1e999", ":", "=", "\n", "\0", " max ",
            ")",
        ]
        for _ in 0..<Int.random(in: 1...8, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(contentsOf: (words.randomElement(using: &random) ?? "").utf8, at: place)
            case 3: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...40, using: &random)))
            default: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 60)], at: place)
            }
        }
        return bytes
    }

    private func parse(_ bytes: some Collection<UInt8>, as path: String, into reading: inout HostReading) {
        let bytes = Array(bytes)
        let text = bytes.span
        switch path.split(separator: "/").suffix(2).joined(separator: "/") {
        case "proc/stat": reading.processors = ProcStat(text)
        case "proc/meminfo": reading.memory = MemInfo(text)
        case "proc/vmstat": reading.paging = VMStat(text)
        case "proc/loadavg": reading.load = LoadAverage(text)
        case "pressure/cpu": reading.pressure[.cpu] = PressureStall(text, of: .cpu)
        case "pressure/memory": reading.pressure[.memory] = PressureStall(text, of: .memory)
        case "pressure/io": reading.pressure[.io] = PressureStall(text, of: .io)
        case "proc/diskstats": reading.disks = DiskStats(text)
        case "net/dev": reading.network = NetworkDevices(text)
        case "self/stat": reading.process = ProcessStat(text)
        case "self/status": reading.status = ProcessStatus(text)
        case "self/mountinfo": reading.volume?.mount = MountInfo(text, path: "/var/lib", device: nil)?.volume
        case "self/cgroup": _ = CgroupMembership(text)
        case let name where name.hasSuffix("cpu.stat"): reading.cgroup?.processorTime = CgroupProcessorTime(text)
        case let name where name.hasSuffix("io.stat"): reading.cgroup?.transfers = CgroupTransfers(text)
        case let name where name.hasSuffix("cpu.max"): reading.cgroup?.processorLimit = CgroupLimit(processors: text)
        case let name where name.hasSuffix("memory.max"): reading.cgroup?.memoryLimit = CgroupLimit(text)
        case let name where name.hasSuffix("memory.high"): reading.cgroup?.memoryHigh = CgroupLimit(text)
        case let name where name.hasSuffix("pids.max"): reading.cgroup?.taskLimit = CgroupLimit(text)
        case let name where name.hasSuffix(".current"):
            var walk = FieldWalk()
            reading.cgroup?.memory = walk.number(in: text)
        default: Issue.record("\(path) is read by no parser")
        }
    }

    private func check(_ reading: HostReading, after earlier: HostReading, _ what: String) {
        let samples = HostDelta(from: earlier, to: reading, elapsed: .seconds(60)).samples
        for sample in samples where !sample.value.isFinite || sample.value < 0 {
            Issue.record("\(what): \(sample)")
        }
        for sample in samples where sample.unit == "1" && sample.value > 1 {
            Issue.record("\(what): \(sample) is no share")
        }
    }
}
