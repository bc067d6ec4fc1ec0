import Scheduling

@testable import Daemon
@testable import Storage

/// What a lane may do and has to do, by the policies' words, from the lines that it leaves in the ledger and from the clock alone. Slots are walked one
/// by one.
struct LaneOracle {
    struct Times: Equatable {
        var wall: Instant
        var monotonic: Duration

        mutating func advance(_ milliseconds: Int64) {
            wall.milliseconds += milliseconds
            monotonic += .milliseconds(milliseconds)
        }
    }

    let schedule: Schedule
    let policy: Policy
    private(set) var complaints: [String] = []
    private(set) var counts: [String: Int] = [:]
    private(set) var rows: [Instant: JobLedger.Run] = [:]
    /// Up to here everything is settled: the last slot that was run, or the last look that found nothing.
    private var settled: Instant?
    private var retry: Instant?
    private var failures = 0
    /// Since the last failure nothing starts before the one moment, and everything may from the other on: between them lies the backoff's jitter.
    private(set) var hold: (earliest: Duration, latest: Duration) = (.zero, .zero)

    init(schedule: Schedule, policy: Policy) {
        self.schedule = schedule
        self.policy = policy
    }

    // MARK: Slots

    private var offset: Int64 { Int64(policy.jitter.offset / .milliseconds(1)) }

    /// The jitter is a clock that is late.
    private func late(_ times: Times) -> Instant { Instant(milliseconds: times.wall.milliseconds - offset) }

    private func passed(through end: Instant) -> [Instant] {
        guard let settled else { return schedule.latest(at: end).map { [$0.instant] } ?? [] }
        var slots: [Instant] = []
        var position = settled
        while let slot = schedule.next(after: position), slot.instant <= end {
            slots.append(slot.instant)
            position = slot.instant
        }
        return slots
    }

    /// The slot that comes first now, whether it was run before or not.
    private func candidate(_ times: Times) -> Instant? {
        let slots = passed(through: late(times))
        switch policy.missed {
        case .all: return slots.first
        case .latest: return slots.last
        case .none: return settled != nil && slots.count == 1 ? slots.first : nil
        }
    }

    // MARK: What happens

    /// A lane begins, with the ledger as all that it knows.
    mutating func begin() {
        hold = (.zero, .zero)
        (retry, failures) = (nil, 0)
        guard let last = rows.values.max(by: { $0.slot < $1.slot }) else {
            settled = nil
            return
        }
        settled = last.slot
        if last.state == .crashed || last.state == .failed, last.attempt < policy.retry.attempts {
            retry = last.slot
            failures = last.attempt
        }
    }

    /// A line of the ledger is new or has changed.
    mutating func ran(_ run: JobLedger.Run, from began: Times, to ended: Times, isPaused: Bool) {
        check(!isPaused, "\(run.slot) was run while the job was paused")
        counts["\(run.state)", default: 0] += 1
        let before = rows.updateValue(run, forKey: run.slot)
        check(run.startedAt == began.wall, "started at \(run.startedAt), and its work began at \(began.wall)")
        check(schedule.latest(at: run.slot) == Slot(run.slot), "\(run.slot) is no slot")
        check(began.monotonic >= hold.earliest, "\(run.slot) was run before the backoff was over")
        if let before {
            counts["again", default: 0] += 1
            check(before.state == .failed || before.state == .crashed, "\(run.slot) ran again after it \(before.state)")
            check(run.attempt == before.attempt + 1, "attempt \(before.attempt) is followed by \(run.attempt)")
            check(run.attempt <= policy.retry.attempts, "attempt \(run.attempt) of \(policy.retry.attempts)")
            check(retry == run.slot, "\(run.slot) ran again, not \(retry.map { "\($0)" } ?? "any")")
            if policy.missed.isAll == false {
                check(candidate(began) == nil, "\(run.slot) was tried again though a later one was due")
            }
        } else {
            check(run.slot <= late(began), "\(run.slot) was run before its time, at \(began.wall)")
            check(run.attempt == 1, "a first attempt has number \(run.attempt)")
            check(
                run.slot == candidate(began),
                "\(run.slot) was run in place of \(candidate(began).map { "\($0)" } ?? "none")")
            if policy.missed.isAll { check(retry == nil, "\(run.slot) overtook one to be tried again") }
        }
        settled = max(settled ?? run.slot, run.slot)
        guard run.state == .failed else {
            (retry, failures, hold) = (nil, 0, (.zero, .zero))
            return
        }
        failures += 1
        let backoff = run.attempt < policy.retry.attempts ? policy.retry.backoff : Lane.calm
        retry = run.attempt < policy.retry.attempts ? run.slot : nil
        hold = (
            ended.monotonic + backoff.delay(afterFailures: failures, jitter: 0),
            ended.monotonic + backoff.delay(afterFailures: failures, jitter: 1)
        )
    }

    /// The ledger refused a slot: it had been run before the clock was set back.
    mutating func refused(at times: Times) {
        counts["refused", default: 0] += 1
        let slot = candidate(times)
        check(
            slot.map { rows[$0] != nil } ?? false, "\(slot.map { "\($0)" } ?? "nothing") was refused at \(times.wall)")
        if let slot { settled = max(settled ?? slot, slot) }
        (retry, failures, hold) = (nil, 0, (.zero, .zero))
    }

    /// A look found nothing to do.
    mutating func rested(at times: Times, next: Instant?) {
        counts["rested", default: 0] += 1
        let late = late(times)
        let wake = schedule.next(after: late).map { $0.instant.milliseconds + offset }
        check(
            next?.milliseconds == wake,
            "at \(times.wall) the next look is to be at \(next.map { "\($0)" } ?? "no time")")
        guard times.monotonic >= hold.latest else { return }
        check(retry == nil, "\(retry.map { "\($0)" } ?? "") was not tried again at \(times.wall)")
        let due = candidate(times)
        check(due == nil, "\(due.map { "\($0)" } ?? "") was not run at \(times.wall)")
        settled = late
    }

    private mutating func check(_ isRight: Bool, _ complaint: String) {
        if !isRight { complaints.append(complaint) }
    }
}

extension MissedRuns {
    var isAll: Bool { if case .all = self { true } else { false } }
}
