import Foundation

/// Gives each distinct text (a user id, a model) a small number, so that rows are grouped by integers.
///
/// Bytes are kept as the database has them: keys compare as SQLite's BINARY collation compares them. Freed as a whole.
final class KeyInterner {
    /// Longer keys are no identifiers: a row with one is set aside. The views know the same bound.
    static let longestKeyBytes = 1_024

    struct Key {
        let bytes: UnsafeBufferPointer<UInt8>
        let hash: UInt64
        /// False for bytes that are no UTF-8 or hold a NUL: SQLite's own text functions would cut such a key short.
        let isUsable: Bool
    }

    // Unchecked: see `UsageAccumulator.keys`.
    @exclusivity(unchecked) private(set) var keys: [Key] = []
    @exclusivity(unchecked) private var table: [UInt32] = Array(repeating: 0, count: 1_024)
    private var chunks: [UnsafeMutablePointer<UInt8>] = []
    private var chunkUsed = KeyInterner.chunkBytes
    private static let chunkBytes = 64 * 1_024

    deinit {
        for chunk in chunks { chunk.deallocate() }
    }

    /// The number of a text of at most `longestKeyBytes`, given anew if it was not seen before.
    @inline(__always)
    func intern(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt32 {
        let hash = Self.hash(bytes)
        let mask = table.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while true {
            let entry = table[slot]
            if entry == 0 { return insert(bytes, hash: hash, slot: slot) }
            let key = keys[Int(entry) - 1]
            if key.hash == hash, key.bytes.count == bytes.count, Self.order(key.bytes, bytes, upTo: bytes.count) == 0 {
                return entry - 1
            }
            slot = (slot + 1) & mask
        }
    }

    func string(_ number: UInt32) -> String {
        String(decoding: keys[Int(number)].bytes, as: UTF8.self)
    }

    /// For each number, its place in byte order.
    func ranks() -> [UInt32] {
        let shared = sharedBytes
        var order = keys.indices.map { Ranked(head: Self.head(of: keys[$0].bytes, from: shared), number: UInt32($0)) }
        order.sort {
            $0.head != $1.head
                ? $0.head < $1.head : Self.precedes(keys[Int($0.number)].bytes, keys[Int($1.number)].bytes)
        }
        var ranks = [UInt32](repeating: 0, count: keys.count)
        for (rank, ranked) in order.enumerated() { ranks[Int(ranked.number)] = UInt32(rank) }
        return ranks
    }

    /// What keys are sorted by, side by side in memory; most differ in it.
    private struct Ranked {
        /// The eight bytes behind those that all keys share, the first one the most significant. Where a key ends there are zeros, which come first, as
        /// the shorter key does.
        let head: UInt64
        let number: UInt32
    }

    /// How many bytes all keys begin with in common.
    private var sharedBytes: Int {
        guard let first = keys.first?.bytes else { return 0 }
        return keys.dropFirst().reduce(first.count) { shared, key in
            let most = min(shared, key.bytes.count)
            return (0..<most).first { key.bytes[$0] != first[$0] } ?? most
        }
    }

    private static func head(of bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> UInt64 {
        (start..<start + 8).reduce(0) { head, index in head << 8 | UInt64(index < bytes.count ? bytes[index] : 0) }
    }

    /// SQLite's BINARY collation: memcmp over the shorter length, then the shorter one first (sqlite.org/datatype3.html, section 7).
    static func precedes(_ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>) -> Bool {
        let shared = min(left.count, right.count)
        let order = order(left, right, upTo: shared)
        return order == 0 ? left.count < right.count : order < 0
    }

    @inline(__always)
    private static func order(
        _ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>, upTo count: Int
    ) -> Int32 {
        guard count > 0, let left = left.baseAddress, let right = right.baseAddress else { return 0 }
        return memcmp(left, right, count)
    }

    private func insert(_ bytes: UnsafeBufferPointer<UInt8>, hash: UInt64, slot: Int) -> UInt32 {
        if chunks.isEmpty || chunkUsed + bytes.count > Self.chunkBytes {
            chunks.append(.allocate(capacity: Self.chunkBytes))
            chunkUsed = 0
        }
        let place = chunks[chunks.count - 1] + chunkUsed
        if let source = bytes.baseAddress { place.update(from: source, count: bytes.count) }
        chunkUsed += bytes.count
        let kept = UnsafeBufferPointer(start: place, count: bytes.count)
        let usable = !kept.contains(0) && String(validating: kept, as: UTF8.self) != nil
        keys.append(Key(bytes: kept, hash: hash, isUsable: usable))
        table[slot] = UInt32(keys.count)
        if keys.count * 2 > table.count { grow() }
        return UInt32(keys.count - 1)
    }

    private func grow() {
        var larger = [UInt32](repeating: 0, count: table.count * 2)
        let mask = larger.count - 1
        for (index, key) in keys.enumerated() {
            var slot = Int(truncatingIfNeeded: key.hash) & mask
            while larger[slot] != 0 { slot = (slot + 1) & mask }
            larger[slot] = UInt32(index + 1)
        }
        table = larger
    }

    /// FNV-1a over eight bytes at a time with a final mix: keys are short and come from our own database's users, and a slow
    /// table is the worst that a crafted one could do.
    @inline(__always)
    private static func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325 ^ UInt64(bytes.count)
        var index = 0
        if let base = UnsafeRawPointer(bytes.baseAddress) {
            while index + 8 <= bytes.count {
                hash = (hash ^ base.loadUnaligned(fromByteOffset: index, as: UInt64.self)) &* 0x9E37_79B9_7F4A_7C15
                hash ^= hash >> 32
                index += 8
            }
            while index < bytes.count {
                hash = (hash ^ UInt64(bytes[index])) &* 0x0000_0100_0000_01B3
                index += 1
            }
        }
        hash ^= hash >> 33
        hash = hash &* 0xff51_afd7_ed55_8ccd
        return hash ^ (hash >> 29)
    }
}
