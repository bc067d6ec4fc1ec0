import Testing

@testable import Scheduling

@Suite struct `Plans` {
    private let minute = Schedule.every(.seconds(60))

    private func at(_ milliseconds: Int64) -> Instant { Instant(milliseconds: milliseconds) }

    @Test func `the first look runs the latest slot and wakes at the next`() {
        let plan = Plan(minute, last: nil, now: at(90_000))
        #expect(plan.due == Slot(at(60_000)))
        #expect(plan.wake == at(120_000))
    }

    @Test func `a slot is due at its very millisecond, and not one before`() {
        #expect(Plan(minute, last: Slot(at(60_000)), now: at(119_999)).due == nil)
        #expect(Plan(minute, last: Slot(at(60_000)), now: at(120_000)).due == Slot(at(120_000)))
    }

    @Test func `a slot that was run is not run again`() {
        let plan = Plan(minute, last: Slot(at(120_000)), now: at(120_000))
        #expect(plan.due == nil)
        #expect(plan.wake == at(180_000))
    }

    @Test func `of many missed slots the latest runs, once`() {
        let plan = Plan(minute, last: Slot(at(60_000)), now: at(6_030_000))
        #expect(plan.due == Slot(at(6_000_000)))
        #expect(plan.wake == at(6_060_000))
    }

    @Test func `with missed runs none, only the slot that follows the last is run`() {
        #expect(Plan(minute, last: Slot(at(60_000)), missed: .none, now: at(6_030_000)).due == nil)
        #expect(Plan(minute, last: Slot(at(60_000)), missed: .none, now: at(130_000)).due == Slot(at(120_000)))
        #expect(Plan(minute, last: nil, missed: .none, now: at(130_000)).due == nil)
    }

    @Test func `a clock that was set back runs nothing twice and wakes soon`() {
        let plan = Plan(minute, last: Slot(at(6_000_000)), now: at(90_000))
        #expect(plan.due == nil)
        #expect(plan.wake == at(120_000))
    }

    @Test func `stepping from wake to wake visits every slot once`() {
        var random = Seeded(seed: 13)
        for _ in 0..<200 {
            let step = Int64.random(in: 1...100_000, using: &random)
            let schedule = Schedule.every(.milliseconds(step))
            var now = at(Int64.random(in: -1_000_000_000...1_000_000_000, using: &random))
            var last: Slot?
            var run: [Int64] = []
            for _ in 0..<20 {
                let plan = Plan(schedule, last: last, now: now)
                if let due = plan.due {
                    run.append(due.instant.milliseconds)
                    last = due
                }
                #expect(plan.wake > now)
                now = plan.wake
            }
            #expect(zip(run, run.dropFirst()).allSatisfy { $1 - $0 == step })
            #expect(run.count == 20)
        }
    }

    @Test func `slots lie on the multiples of the interval since 1970, also before it`() {
        let schedule = Schedule.every(.seconds(300))
        #expect(schedule.next(after: at(0)) == Slot(at(300_000)))
        #expect(schedule.latest(at: at(0)) == Slot(at(0)))
        #expect(schedule.next(after: at(-1)) == Slot(at(0)))
        #expect(schedule.latest(at: at(-1)) == Slot(at(-300_000)))
    }
}
