/// Memory and swap, in bytes, from `/proc/meminfo` (proc_meminfo(5)). The file counts in kB of 1,024 bytes.
package struct MemInfo: Sendable, Equatable {
    package var total: UInt64?
    package var free: UInt64?
    /// What could be had without swapping; kernels before 3.14 don't say.
    package var available: UInt64?
    package var buffers: UInt64?
    /// The page cache, tmpfs included, without `reclaimableSlab`.
    package var cached: UInt64?
    package var reclaimableSlab: UInt64?
    package var swapTotal: UInt64?
    package var swapFree: UInt64?

    private static let fields: [(name: String, place: WritableKeyPath<MemInfo, UInt64?> & Sendable)] = [
        ("MemTotal", \.total), ("MemFree", \.free), ("MemAvailable", \.available), ("Buffers", \.buffers),
        ("Cached", \.cached), ("SReclaimable", \.reclaimableSlab), ("SwapTotal", \.swapTotal), ("SwapFree", \.swapFree),
    ]

    /// Nil where none of the lines is there.
    init?(_ text: Span<UInt8>) {
        var memory = Self?.none
        text.forEachLine { line in
            var walk = FieldWalk()
            guard let name = walk.next(in: line), line[name.upperBound - 1] == UInt8(ascii: ":") else { return }
            let word = line.text(name.lowerBound..<name.upperBound - 1)
            guard let place = Self.fields.first(where: { $0.name == word })?.place,
                let kilobytes = walk.number(in: line), kilobytes <= UInt64.max >> 10
            else { return }
            if memory == nil { memory = Self() }
            memory?[keyPath: place] = kilobytes << 10
        }
        guard let memory else { return nil }
        self = memory
    }

    private init() {}

    /// Page cache and the slabs that can be given back, as `free` counts its "cache".
    package var reclaimable: UInt64? {
        guard let cached, let reclaimableSlab else { return cached }
        let (sum, isTooLarge) = cached.addingReportingOverflow(reclaimableSlab)
        return isTooLarge ? nil : sum
    }

    /// What is left of the total beyond free, buffers and caches; nil where the parts don't fit into it.
    package var used: UInt64? {
        guard var rest = total, let free, let buffers, let reclaimable else { return nil }
        for part in [free, buffers, reclaimable] {
            guard part <= rest else { return nil }
            rest -= part
        }
        return rest
    }

    /// What this kernel's file doesn't say.
    var absentFields: [String] {
        Self.fields.filter { self[keyPath: $0.place] == nil }.map(\.name)
    }
}
