import Foundation
import Testing

extension CrashTests {
    struct TakeoverTests {
        @Test func `a second daemon stands by and takes over when the first is killed`() async throws {
            let place = try await Workplace.migrated()
            let gateway = try place.gateway()
            let first = try place.daemon()
            try #require(await first.says("  ready"), "\(first.errors)")
            let second = try place.daemon()
            try #require(await second.says("  standing by"), "\(second.errors)")
            #expect(second.errors.contains("process \(first.process)"), "it names who counts: \(second.errors)")

            let counting = try await place.tallyd("rollup", "run")
            #expect(counting.output.contains("counted by tallyd run, process \(first.process)"))
            let before = try place.cursor()

            first.send(SIGKILL)
            #expect(await first.ending(within: .seconds(10)) == .killed(signal: SIGKILL))
            try #require(await second.says("  ready", within: .seconds(10)), "\(second.errors)")

            // It waits until whoever holds the lock has counted every row that is there now, and names the holder.
            let after = try await place.tallyd("rollup", "run")
            #expect(after.output.contains("counted by tallyd run, process \(second.process)"), "\(after.output)")
            #expect(try place.cursor() > before)

            await place.stop(gateway)
            second.send(SIGTERM)
            #expect(await second.ending(within: .seconds(10)) == .exited(0), "\(second.errors)")
            try await place.expectExactTotals()
        }

        @Test func `a daemon that is stopped loses its lease, and ends when it goes on`() async throws {
            let place = try await Workplace.migrated()
            let gateway = try place.gateway()
            let first = try place.daemon()
            try #require(await first.says("  ready"), "\(first.errors)")
            let second = try place.daemon()
            try #require(await second.says("  standing by"), "\(second.errors)")

            try await place.freeze(first)
            let clock = ContinuousClock()
            let stopped = clock.now
            // The bound is 15 s from the last renewal; how long it took is printed.
            try #require(await second.says("  ready", within: .seconds(60)), "\(second.errors)")
            print("takeover from a stopped daemon: \(clock.now - stopped)")
            #expect(second.errors.contains("taking over"), "\(second.errors)")

            first.send(SIGCONT)
            #expect(await first.ending(within: .seconds(10)) == .exited(75), "\(first.errors)")
            #expect(first.errors.contains("has taken over"), "\(first.errors)")
            #expect(await second.ending(within: .zero) == nil, "\(second.errors)")

            let counting = try await place.tallyd("rollup", "run")
            #expect(counting.output.contains("counted by tallyd run, process \(second.process)"), "\(counting.output)")
            // The first one had it until it ended.
            #expect(await second.says("the control socket is free now"), "\(second.errors)")
            #expect(try await place.tallyd("jobs", "run", "rollup").status == 0)
            await place.stop(gateway)
            second.send(SIGTERM)
            #expect(await second.ending(within: .seconds(10)) == .exited(0), "\(second.errors)")
            try await place.expectExactTotals()
        }
    }
}
