/// A point in time at which a job is due. A run belongs to exactly one slot, and a slot is run at most once.
package struct Slot: Hashable, Comparable, Sendable {
    package let instant: Instant

    package init(_ instant: Instant) {
        self.instant = instant
    }

    package static func < (left: Slot, right: Slot) -> Bool { left.instant < right.instant }
}
