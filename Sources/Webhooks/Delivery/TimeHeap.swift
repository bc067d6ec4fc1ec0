/// Values by their time, the earliest first: a binary heap. Equal times come in the order in which they were inserted.
struct TimeHeap<Value: Sendable>: Sendable {
    struct Entry: Sendable {
        let time: Duration
        let value: Value
        fileprivate let number: UInt64

        fileprivate func isBefore(_ other: Entry) -> Bool {
            (time, number) < (other.time, other.number)
        }
    }

    private var entries: [Entry] = []
    private var inserted: UInt64 = 0

    var first: Entry? { entries.first }
    var count: Int { entries.count }

    mutating func insert(_ value: Value, at time: Duration) {
        inserted += 1
        entries.append(Entry(time: time, value: value, number: inserted))
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard entries[child].isBefore(entries[parent]) else { return }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    mutating func removeAll(where isSuperfluous: (Entry) -> Bool) {
        entries.removeAll(where: isSuperfluous)
        // An array in order is a heap.
        entries.sort { $0.isBefore($1) }
    }

    mutating func removeFirst() {
        guard let last = entries.popLast(), !entries.isEmpty else { return }
        entries[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count {
                if entries[child].isBefore(entries[least]) { least = child }
            }
            guard least != parent else { return }
            entries.swapAt(parent, least)
            parent = least
        }
    }
}
