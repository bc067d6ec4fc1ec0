/// A queue whose calls cost O(1) on average, which Array's removal of its first element does not.
struct FirstInFirstOut<Element: Sendable>: Sendable {
    /// Oldest last.
    private(set) var front: [Element] = []
    /// Newest last.
    private var back: [Element] = []

    var isEmpty: Bool { front.isEmpty && back.isEmpty }
    var count: Int { front.count + back.count }

    var first: Element? { front.last ?? back.first }

    mutating func append(_ element: Element) {
        back.append(element)
    }

    /// In front of all others.
    mutating func prepend(_ element: Element) {
        front.append(element)
    }

    mutating func popFirst() -> Element? {
        if front.isEmpty {
            front = back.reversed()
            back = []
        }
        return front.popLast()
    }

    /// Oldest first.
    mutating func removeAll() -> [Element] {
        defer { self = FirstInFirstOut() }
        return front.reversed() + back
    }
}
