/// What a lane is to do at a moment: a pure decision, made from values alone.
package struct Plan: Sendable, Equatable {
    /// The slot to run now; nil when none is due.
    package let due: Slot?
    /// When to look again.
    package let wake: Instant

    /// - Parameters:
    ///   - last: the last slot that was run or given up; nil before the first.
    ///   - now: lies before `last` when the clock was set back; then the rhythm goes on from now, since a lane must not stand still until the
    ///     clock has caught up, and a slot that was run is not run again.
    package init(_ schedule: Schedule, last: Slot?, missed: MissedRuns = .latest, now: Instant) {
        let latest = schedule.latest(at: now)
        wake = schedule.next(after: now).instant
        guard let last, last.instant <= now else {
            due = last == nil && missed == .latest ? latest : nil
            return
        }
        // Seen from `last`, not from now: a slot is neither lost to a slow run nor run twice.
        let expected = schedule.next(after: last.instant)
        due = latest >= expected && (missed == .latest || latest == expected) ? latest : nil
    }
}
