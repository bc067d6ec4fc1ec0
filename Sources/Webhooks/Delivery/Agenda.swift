package import Scheduling

/// When each endpoint next has a queued delivery to claim: a value that is asked often, and walked through only for what is due.
///
/// Instants are of the wall clock, which may go back: what has come due stays so until `set` says otherwise.
package struct Agenda: Sendable {
    private var instants: [String: Instant] = [:]
    /// Entries that differ from `instants` are of the past: they are passed over, not searched for.
    private var heap = TimeHeap<String>()
    /// Those whose time has come. Each costs whoever asks for them, so there should be few that stay.
    package private(set) var due: Set<String> = []

    package init() {}

    /// - Parameter instant: nil for an endpoint that has nothing queued.
    package mutating func set(_ endpoint: String, to instant: Instant?) {
        guard instants[endpoint] != instant else { return }
        instants[endpoint] = instant
        due.remove(endpoint)
        guard let instant else { return }
        heap.insert(endpoint, at: Self.time(instant))
        guard heap.count > 2 * instants.count + 64 else { return }
        heap.removeAll { [instants, due] entry in
            due.contains(entry.value) || instants[entry.value].map(Self.time) != entry.time
        }
    }

    /// Brings those whose time has come among `due`.
    package mutating func turn(to now: Instant) {
        while let first = heap.first, first.time <= Self.time(now) {
            heap.removeFirst()
            if instants[first.value].map(Self.time) == first.time { due.insert(first.value) }
        }
    }

    /// When the next one comes due; nil when none will.
    package mutating func next() -> Instant? {
        while let first = heap.first {
            if !due.contains(first.value), let instant = instants[first.value], Self.time(instant) == first.time {
                return instant
            }
            heap.removeFirst()
        }
        return nil
    }

    package func instant(of endpoint: String) -> Instant? { instants[endpoint] }

    /// Of the heap, those of the past among them.
    var entryCount: Int { heap.count }

    private static func time(_ instant: Instant) -> Duration { .milliseconds(instant.milliseconds) }
}
