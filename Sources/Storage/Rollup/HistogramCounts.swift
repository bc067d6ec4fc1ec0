/// A bucket of one model on one day, in one word: 31 bits of model, 22 of day (3.65 million), 11 of bucket (at most 895 for 10^9 ms).
struct HistogramKey: Hashable {
    let packed: UInt64

    @inline(__always)
    init(model: UInt32, day: Int32, bucket: Int) {
        packed = UInt64(model) << 33 | UInt64(Int64(day) + 719_528) << 11 | UInt64(bucket)
    }

    init(packed: UInt64) { self.packed = packed }

    var model: UInt32 { UInt32(packed >> 33) }
    var day: Int32 { Int32(Int64(packed >> 11 & 0x3F_FFFF) - 719_528) }
    var bucket: Int { Int(packed & 0x7FF) }
}

/// Requests by histogram key: an open-addressing table, since every row adds to it and Dictionary's hash alone costs as much as reading
/// a column.
final class HistogramCounts {
    // Unchecked: see `UsageAccumulator.keys`.
    @exclusivity(unchecked) private var keys: [UInt64] = Array(repeating: HistogramCounts.free, count: 4_096)
    @exclusivity(unchecked) private var counts: [Int64] = Array(repeating: 0, count: 4_096)
    @exclusivity(unchecked) private var used = 0
    /// No key: bucket 2,047 does not exist.
    private static let free = UInt64.max

    @inline(__always)
    func add(_ requests: Int64, to key: HistogramKey) {
        let mask = keys.count - 1
        var slot = Self.hash(key.packed) & mask
        while keys[slot] != key.packed {
            if keys[slot] == Self.free {
                keys[slot] = key.packed
                counts[slot] = requests
                used += 1
                if used * 2 > keys.count { grow() }
                return
            }
            slot = (slot + 1) & mask
        }
        counts[slot] &+= requests
    }

    /// Every key that was added to, in no order; its requests may be 0.
    var all: [(key: HistogramKey, requests: Int64)] {
        keys.indices.compactMap { keys[$0] == Self.free ? nil : (HistogramKey(packed: keys[$0]), counts[$0]) }
    }

    /// What was added, by model and day: the rows that it changes, in an order that depends on the keys alone. Zero counts are left out.
    func rows(modelRanks: [UInt32]) -> [(model: UInt32, day: Int32, changes: [(bucket: Int, requests: Int64)])] {
        // With the model's rank in the model's place a key's word sorts as its parts do.
        var ordered: [(word: UInt64, requests: Int64)] = []
        ordered.reserveCapacity(used)
        for (key, requests) in all where requests != 0 {
            let rank = modelRanks[Int(key.model)]
            ordered.append((HistogramKey(model: rank, day: key.day, bucket: key.bucket).packed, requests))
        }
        ordered.sort { $0.word < $1.word }
        var models = [UInt32](repeating: 0, count: modelRanks.count)
        for (model, rank) in modelRanks.enumerated() { models[Int(rank)] = UInt32(model) }
        var rows: [(model: UInt32, day: Int32, changes: [(bucket: Int, requests: Int64)])] = []
        for (word, requests) in ordered {
            let key = HistogramKey(packed: word)
            let model = models[Int(key.model)]
            if let last = rows.last, last.model == model, last.day == key.day {
                rows[rows.count - 1].changes.append((key.bucket, requests))
            } else {
                rows.append((model, key.day, [(key.bucket, requests)]))
            }
        }
        return rows
    }

    private func grow() {
        let old = (keys, counts)
        keys = Array(repeating: Self.free, count: old.0.count * 2)
        counts = Array(repeating: 0, count: keys.count)
        let mask = keys.count - 1
        for (index, key) in old.0.enumerated() where key != Self.free {
            var slot = Self.hash(key) & mask
            while keys[slot] != Self.free { slot = (slot + 1) & mask }
            keys[slot] = key
            counts[slot] = old.1[index]
        }
    }

    @inline(__always)
    private static func hash(_ packed: UInt64) -> Int {
        let mixed = packed &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: (mixed ^ (mixed >> 29)) >> 3)
    }
}
