import Foundation
import Scheduling
import Storage
import Synchronization
import TestSupport
import Testing

/// One history. `@unchecked Sendable`: its state is touched by one task at a time, also where the rollup calls back between two bites.
final class RollupHistory: @unchecked Sendable {
    let seed: UInt64
    var random: SplitMix64
    var oracle = Oracle()
    let sample: SampleDatabase
    let zone: Zone
    var closed: Set<String> = []
    let fuse = Fuse()
    var log: [String] = []
    var standing: Rolling?
    /// Held by whoever lets the gateway act: with reading ahead two may ask at once.
    let asking = Mutex(())
    /// Rows that went by an archive.
    var archived: Set<Int64> = []
    /// Archives whose bytes were changed.
    var damaged: Set<String> = []

    init(seed: UInt64) throws {
        self.seed = seed
        random = SplitMix64(seed: seed)
        sample = try SampleDatabase()
        let zones = ["UTC", "UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia"]
        zone = Zone(zones[Int(seed % UInt64(zones.count))]) ?? .utc
    }

    func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    func chance(_ percent: Int) -> Bool { pick(1...100) <= percent }

    func run() async throws {
        for _ in 0..<pick(4...14) {
            switch pick(1...11) {
            case 1...3: try act(times: pick(1...12))
            case 4...8: await rollUp(cut: chance(60))
            case 9: try await closeADay()
            case 10: try await erase()
            default: try await verify()
            }
        }
        fuse.light(-1)
        try await rollup().finish()
        try compare()
        try await verify()
    }

    func verify() async throws {
        let rolling = try rollup()
        try await rolling.finish()
        let report = try await Verification(store: rolling.store, zone: zone).run()
        if !report.isClean { fail("verify finds drift: \(report.drifts)") }
    }

    func fail(_ text: String) {
        Issue.record("seed \(seed) in \(zone): \(text)\n  \(log.suffix(40).joined(separator: "\n  "))")
    }
}
