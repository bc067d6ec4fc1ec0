import Foundation
import GRDB
import Scheduling
import TestSupport
import Testing

@testable import Storage

@Suite struct `Known totals` {
    @Test func `what was remembered last is known, and nothing else is ever answered`() {
        var random = SplitMix64(for: "Known totals")
        // The first is never full, the second often: then it may have forgotten.
        for (most, hashes) in [(65_536, 2_000), (1_024, 20_000)] {
            let known = KnownTotals(most: most)
            var model: [UInt64: Int64] = [:]
            let pool = (0..<hashes).map { _ in random.next() }
            var missing = 0
            for _ in 0..<100_000 {
                let hash = pool[Int.random(in: 0..<pool.count, using: &random)]
                if Bool.random(using: &random) {
                    let row = Int64.random(in: 1...1_000_000, using: &random)
                    known.remember(row, for: hash)
                    model[hash] = row
                    #expect(known.row(of: hash) == row)
                } else if let row = known.row(of: hash) {
                    #expect(row == model[hash])
                } else if model[hash] != nil {
                    missing += 1
                }
            }
            if hashes < most / 16 { #expect(missing < 100, "of 50,000 looks") }
        }
    }

    @Test func `row 0 is not remembered`() {
        let known = KnownTotals()
        known.remember(0, for: 7)
        #expect(known.row(of: 7) == nil)
    }

    /// What others may do to daily_usage_stats between two ticks: the rows stay no longer where they were.
    @Test(arguments: [
        "UPDATE daily_usage_stats SET rowid = rowid + 1000",
        "UPDATE daily_usage_stats SET rowid = -rowid",
        // each row where another key's was
        "UPDATE daily_usage_stats SET rowid = rowid + 1001 - 2 * (rowid % 2)",
        "INSERT OR REPLACE INTO daily_usage_stats SELECT * FROM daily_usage_stats",
    ])
    func `a total whose row has moved is found again`(move: String) async throws {
        let sample = try SampleDatabase()
        let store = try Store(path: sample.path)
        let rollup = Rollup(store: store, zone: .utc) { Instant(milliseconds: 1_790_000_000_000) }
        func use(_ tokens: Int) throws {
            for number in 0..<40 {
                try sample.insert(
                    user: "user-\(number % 20)", model: "model-\(number / 20)", input: 0, output: 0, total: tokens)
            }
        }
        try use(3)
        _ = try await rollup.run()
        try use(4)
        _ = try await rollup.run()
        try sample.execute(move)
        try use(5)
        _ = try await rollup.run()

        let totals = try sample.gateway.read { db in
            try Row.fetchAll(db, sql: "SELECT total_requests, total_tokens, cost_nanos FROM daily_usage_stats")
        }
        #expect(totals.count == 40)
        #expect(totals.allSatisfy { $0[0] == 3 && $0[1] == 12 && $0[2] == 1_500_000_000 })
    }
}

@Suite struct `A batch's order` {
    @Test func `ranks are places in byte order, whatever the keys begin with`() {
        var random = SplitMix64(for: "Ranks of keys")
        let beginnings: [[UInt8]] = [[], [0], Array("user-0".utf8), Array("größer-".utf8), [0xFF, 0xFF]]
        for round in 0..<500 {
            let beginning = beginnings[round % beginnings.count]
            var keys: Set<[UInt8]> = []
            for _ in 0..<Int.random(in: 0...60, using: &random) {
                let count = Int.random(in: 0...12, using: &random)
                // Few bytes and many zeros, so that keys share much.
                keys.insert(beginning + (0..<count).map { _ in [0, 0, 1, 97, 255].randomElement(using: &random) ?? 0 })
            }
            let interner = KeyInterner()
            let shuffled = keys.shuffled(using: &random)
            for key in shuffled { key.withUnsafeBufferPointer { _ = interner.intern($0) } }
            let ranks = interner.ranks()
            let sorted = keys.sorted { $0.lexicographicallyPrecedes($1) }
            #expect(shuffled.enumerated().allSatisfy { number, key in sorted[Int(ranks[number])] == key })
        }
    }

    @Test func `histograms come by model, day and bucket, without zeros`() {
        var random = SplitMix64(for: "Rows of histograms")
        let names = ["b", "a", "c", "aa"]
        // The ranks of the names above.
        let ranks: [UInt32] = [2, 0, 3, 1]
        for _ in 0..<100 {
            struct Place: Hashable {
                let name: String
                let day: Int32
                let bucket: Int
            }
            let counts = HistogramCounts()
            var model: [Place: Int64] = [:]
            for _ in 0..<Int.random(in: 0...400, using: &random) {
                let number = Int.random(in: 0..<4, using: &random)
                let day = Int32.random(in: -719_528...3_000_000, using: &random) / 1_000_000
                let bucket = Int.random(in: 0...895, using: &random) / 100
                let requests: Int64 = Bool.random(using: &random) ? 1 : -1
                counts.add(requests, to: HistogramKey(model: UInt32(number), day: day, bucket: bucket))
                model[Place(name: names[number], day: day, bucket: bucket), default: 0] += requests
            }
            let found = counts.rows(modelRanks: ranks).flatMap { row in
                row.changes.map { (Place(name: names[Int(row.model)], day: row.day, bucket: $0.bucket), $0.requests) }
            }
            let expected = model.filter { $0.value != 0 }.sorted {
                ($0.key.name, $0.key.day, $0.key.bucket) < ($1.key.name, $1.key.day, $1.key.bucket)
            }
            #expect(found.map(\.0) == expected.map(\.key))
            #expect(found.map(\.1) == expected.map(\.value))
        }
    }
}
