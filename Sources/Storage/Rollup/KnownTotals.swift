/// Where the totals of late are in daily_usage_stats: row ids by a hash of (day, user, model).
///
/// Looking a total up in the index is a quarter of what adding to it takes (measured: 0.9 of 3.6 µs), and reads pages of that index, which a
/// gateway's every commit drops from SQLite's cache. From one tick to the next most keys are the same, so their rows are kept here.
///
/// A hint and no more: whoever uses it names the key as well, and a row that has another one by now, or is gone, is looked up again. So two keys
/// may share a hash, a transaction may be rolled back, and anybody may write the table.
final class KnownTotals {
    /// SQLite gives no row 0 by itself; one that somebody made is looked up every time.
    private struct Entry {
        var hash: UInt64 = 0
        var row: Int64 = 0
    }

    private var entries = [Entry](repeating: Entry(), count: KnownTotals.fewest)
    private let most: Int

    private static let fewest = 1_024
    /// Places in which a hash may stand.
    private static let ways = 4

    /// - Parameter most: entries, a power of two from 1,024 on, at 16 bytes each. By default 1 MiB, which is 2,000 users with 16 models each on two
    ///   days; with more, those that came last are known.
    init(most: Int = 65_536) {
        precondition(most >= Self.fewest && most & (most - 1) == 0, "no power of two from \(Self.fewest) on: \(most)")
        self.most = most
    }

    /// The hash of a total's key, of which those of user and model are known already.
    @inline(__always)
    static func hash(day: Int32, user: UInt64, model: UInt64) -> UInt64 {
        var hash = user ^ (model << 32 | model >> 32) &* 0xC2B2_AE3D_27D4_EB4F
        hash = (hash ^ UInt64(UInt32(bitPattern: day))) &* 0x9E37_79B9_7F4A_7C15
        return hash ^ (hash >> 32)
    }

    /// The row that probably has the key.
    @inline(__always)
    func row(of hash: UInt64) -> Int64? {
        let first = Int(truncatingIfNeeded: hash)
        for way in 0..<Self.ways {
            let entry = entries[(first &+ way) & (entries.count - 1)]
            if entry.hash == hash, entry.row != 0 { return entry.row }
        }
        return nil
    }

    func remember(_ row: Int64, for hash: UInt64) {
        guard row != 0 else { return }
        while !place(Entry(hash: hash, row: row)) {
            if entries.count >= most {
                // One of the four has to go: by the hash's other end, so that it isn't always the same.
                let way = Int(truncatingIfNeeded: hash >> 62)
                entries[(Int(truncatingIfNeeded: hash) &+ way) & (entries.count - 1)] = Entry(hash: hash, row: row)
                return
            }
            grow()
        }
    }

    private func grow() {
        let old = entries
        entries = [Entry](repeating: Entry(), count: old.count * 2)
        // One for which there is no place is forgotten.
        for entry in old where entry.row != 0 { _ = place(entry) }
    }

    /// False when all its places are taken by others.
    private func place(_ entry: Entry) -> Bool {
        let first = Int(truncatingIfNeeded: entry.hash)
        var free: Int?
        for way in 0..<Self.ways {
            let index = (first &+ way) & (entries.count - 1)
            if entries[index].row == 0 {
                free = free ?? index
            } else if entries[index].hash == entry.hash {
                entries[index] = entry
                return true
            }
        }
        guard let free else { return false }
        entries[free] = entry
        return true
    }
}

// Not safe by itself: a rollup's is used by the writing connection's transactions alone, of which there is one at a time.
extension KnownTotals: @unchecked Sendable {}
