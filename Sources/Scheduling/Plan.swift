/// What a lane is to do at a moment: a pure decision, made from values alone.
///
/// A lane keeps one cursor: the instant up to which every slot is settled, be it run, given up or folded into a later
/// one. At each look the slots between the cursor and now are what is missed, and the policy says which of them are due.
/// The lane runs the first of them, moves the cursor to its instant, and looks again; when none is due it keeps the
/// plan's cursor and sleeps until `wake`. A lane that stops between a run and the move of its cursor finds the run in the
/// ledger, whose unique key also refuses a slot that two lanes claim.
///
/// A clock that jumps needs nothing of its own but one rule:
/// - *Forward, or a sleep*: more is missed than usual, and the policy bounds what is due.
/// - *Back*: the cursor lies ahead of now, and comes back to now. The rhythm goes on from there, for a lane must not
///   stand still until the clock has caught up (a clock that once said 2038 would stop it for years). Slots that come
///   round again and were run before are not run again: the caller says which, from its ledger. Those before now stay
///   settled, for the lane that has settled a later slot has passed them.
///
/// A job with a jitter looks at all this through a clock that is late by its offset.
package struct Plan: Sendable, Hashable {
    /// The slots to run, oldest first; empty while the job runs.
    package let due: [Slot]
    /// When to look again if nothing is due, or nothing ends before: later than now. Nil when the schedule never fires
    /// again.
    package let wake: Instant?
    /// What to hand in at the next look, unless a slot was settled since.
    package let cursor: Instant

    /// - Parameters:
    ///   - cursor: nil before the first run. Then the latest slot is due at once, so that a new job does its work; with
    ///     missed runs `none` the first slot after now.
    ///   - running: the slot whose run goes on; nothing is due beside it.
    ///   - ran: slots that were run though the cursor lies before them, as happens after the clock was set back. Those
    ///     that the ledger has after `now`, when the cursor was ahead of it, do.
    package init(
        _ schedule: Schedule, policy: Policy = Policy(), cursor: Instant?, running: Slot? = nil, ran: Set<Slot> = [],
        now: Instant
    ) {
        // Slots are told apart by their nominal instants; a late clock stands for the delayed start.
        let offset = policy.jitter.offset.components
        let delay = offset.seconds * 1_000 + offset.attoseconds / 1_000_000_000_000_000
        let late = Instant(milliseconds: now.milliseconds.subtractingClamped(delay))
        wake = schedule.next(after: late).map { Instant(milliseconds: $0.instant.milliseconds.addingClamped(delay)) }
        let settled = min(cursor ?? Instant(milliseconds: .min), late)
        guard running == nil else {
            due = []
            self.cursor = settled
            return
        }
        let missed = Missed(schedule: schedule, after: settled, through: late, ran: ran)
        switch policy.missed {
        case .latest: due = missed.newest(1)
        case .none: due = cursor == nil ? [] : missed.only
        case .all(let cap, let window):
            let edge = late.milliseconds.subtractingClamped(window.wholeMilliseconds)
            due = missed.newest(cursor == nil ? 1 : max(1, cap), since: Instant(milliseconds: edge))
        }
        // With slots due the cursor waits for them to be settled; without, all up to now is.
        self.cursor = due.isEmpty ? late : settled
    }

    /// The slots in (after, through] that were not run.
    private struct Missed {
        let schedule: Schedule
        let after: Instant
        let through: Instant
        let ran: Set<Slot>

        /// At most `count` of them, oldest first, walked from the newest back.
        func newest(_ count: Int, since edge: Instant = Instant(milliseconds: .min)) -> [Slot] {
            var found: [Slot] = []
            var end = through
            while found.count < count, let slot = schedule.latest(at: end), slot.instant > after, slot.instant >= edge {
                if !ran.contains(slot) { found.append(slot) }
                end = Instant(milliseconds: slot.instant.milliseconds.subtractingClamped(1))
            }
            return found.reversed()
        }

        /// The one that there is; nothing when there are several.
        var only: [Slot] {
            let newest = newest(2)
            return newest.count == 1 ? newest : []
        }
    }
}

extension Int64 {
    func addingClamped(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other > 0 ? .max : .min) : sum
    }

    func subtractingClamped(_ other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other > 0 ? .min : .max) : difference
    }
}
