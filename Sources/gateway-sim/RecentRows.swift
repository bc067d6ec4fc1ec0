/// The last thousand rows of this writer: the ones that a correction or a removal concerns.
struct RecentRows {
    private static let limit = 1_000
    private var ids: [Int64] = []
    private var next = 0

    mutating func add(_ id: Int64) {
        if ids.count < Self.limit {
            ids.append(id)
        } else {
            ids[next] = id
            next = (next + 1) % Self.limit
        }
    }

    /// Any of them; nil when there is none.
    func any(_ traffic: inout Traffic) -> Int64? {
        ids.isEmpty ? nil : ids[traffic.below(ids.count)]
    }

    /// Forgets a row that was removed.
    mutating func forget(_ id: Int64) {
        guard let place = ids.firstIndex(of: id) else { return }
        ids.swapAt(place, ids.count - 1)
        ids.removeLast()
        next = 0
    }
}
