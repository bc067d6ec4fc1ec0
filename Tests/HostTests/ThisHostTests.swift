import Foundation
import TestSupport
import Testing

@testable import Host

/// The machine that the tests run on, beside what its own tools say. What a tool that isn't there would say isn't compared.
@Suite struct ThisHostTests {
    @Test func `this host's memory is what free says`() throws {
        guard
            let words = output(of: "/usr/bin/free", "-b")?.split(separator: "\n").dropFirst().first?.split(
                separator: " "),
            let total = words.dropFirst().first.flatMap({ Double($0) }),
            let available = words.last.flatMap({ Double($0) })
        else { return }
        let memory = try #require(HostReader().read(databaseVolume: "/").memory)
        #expect(memory.total.map { Double($0) } == total)
        // Other processes go on; a tenth of all memory is more than a test run moves.
        let difference = try abs(Double(#require(memory.available)) - available)
        #expect(difference < total / 10)
    }

    @Test func `this host's volume is what df says`() throws {
        let path = FileManager.default.temporaryDirectory.path
        let columns = output(of: "/bin/df", "-B1", "--output=size,used,avail,source,target,fstype", path)
        guard let words = columns?.split(separator: "\n").last?.split(separator: " "), words.count == 6 else { return }
        let volume = try #require(HostReader().read(databaseVolume: path).volume)
        let (size, used, available) = try (
            #require(Double(words[0])), #require(Double(words[1])), #require(Double(words[2]))
        )
        #expect(Double(volume.total) == size)
        #expect(abs(Double(volume.total - volume.free) - used) < size / 10)
        #expect(abs(Double(volume.available) - available) < size / 10)
        #expect(volume.mount?.source == String(words[3]))
        #expect(volume.mount?.mountPoint == String(words[4]))
        #expect(volume.mount?.type == String(words[5]))
    }

    @Test func `this host's uptime is that of /proc/uptime`() throws {
        guard let text = try? String(contentsOfFile: "/proc/uptime", encoding: .utf8),
            let uptime = text.split(separator: " ").first.flatMap({ Double($0) })
        else { return }
        let sinceBoot = try #require(HostReader().read(databaseVolume: "/").sinceBoot?.inSeconds)
        // The file counts hundredths, and later is never earlier.
        #expect(sinceBoot >= uptime - 0.02)
        #expect(sinceBoot < uptime + 3_600)
    }

    @Test func `this process counts its own threads, processors and age`() throws {
        let before = HostReader().read(databaseVolume: "/")
        let after = HostReader().read(databaseVolume: "/")
        #expect(try #require(after.status?.threads) >= 1)
        #expect(try #require(after.status?.resident) > 1_000_000)
        let (earlier, later) = try (#require(before.switches), #require(after.switches))
        #expect(earlier.voluntary > 0)
        #expect(later.voluntary >= earlier.voluntary)
        #expect(later.involuntary >= earlier.involuntary)
        #expect(try #require(after.reachableProcessors) <= Double(ProcessInfo.processInfo.processorCount))
        let delta = HostDelta(from: before, to: after, elapsed: .seconds(60))
        #expect(try #require(delta.samples.first { $0.name == "process.uptime" }).value >= 0)
        #expect(delta.samples.allSatisfy { $0.value.isFinite && $0.value >= 0 })
        #expect(delta.samples.count <= 146)
    }

    @Test func `open files are those in /proc/self/fd but for the one that looks`() throws {
        // Other tests open and close files meanwhile, so look until nothing moved between two listings.
        let isSame = try (0..<1_000).contains { _ in
            let before = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
            let counted = HostReader().read(databaseVolume: "/").openFiles
            let after = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
            return before == after && counted == before - 1
        }
        #expect(isSame)
    }

    /// Nil where the tool isn't there or fails.
    private func output(of tool: String, _ arguments: String...) -> String? {
        let run = try? ToolRun(tool, arguments, variables: ["LC_ALL": "C", "PATH": "/usr/bin:/bin"])
        return run.flatMap { $0.status == 0 ? $0.output : nil }
    }
}
