import Foundation
import Testing

extension CrashTests {
    struct StopTests {
        @Test(arguments: [SIGTERM, SIGINT])
        func `a stop under load takes less than a second and leaves exact totals`(signal: Int32) async throws {
            let place = try await Workplace.migrated()
            let gateway = try place.gateway()
            let daemon = try place.daemon()
            try #require(await daemon.says("  ready"), "\(daemon.errors)")
            let counting = try await place.tallyd("rollup", "run")
            try #require(counting.output.contains("counted by"), "the daemon has to be counting: \(counting.output)")

            daemon.send(signal)
            #expect(await daemon.ending(within: .seconds(1)) == .exited(0), "\(daemon.errors)")
            #expect(daemon.errors.contains("  stopped"))
            await place.stop(gateway)
            try await place.expectExactTotals()
        }

        @Test(arguments: [SIGTERM, SIGINT])
        func `a daemon that stands by ends at once`(signal: Int32) async throws {
            let place = try await Workplace.migrated()
            let first = try place.daemon()
            try #require(await first.says("  ready"), "\(first.errors)")
            let second = try place.daemon()
            try #require(await second.says("  standing by"), "\(second.errors)")
            second.send(signal)
            #expect(await second.ending(within: .seconds(1)) == .exited(0), "\(second.errors)")
            #expect(second.errors.contains("  stopped"))

            first.send(SIGTERM)
            #expect(await first.ending(within: .seconds(1)) == .exited(0), "the one that counts is not disturbed")
        }
    }
}
