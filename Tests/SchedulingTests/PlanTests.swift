import Testing

@testable import Scheduling

@Suite struct `Plans` {
    private let minute = Schedule.every(.seconds(60))

    private func at(_ milliseconds: Int64) -> Instant { Instant(milliseconds: milliseconds) }

    private func slots(_ milliseconds: Int64...) -> [Slot] { milliseconds.map { Slot(at($0)) } }

    @Test func `the first look runs the latest slot and wakes at the next`() {
        let plan = Plan(minute, cursor: nil, now: at(90_000))
        #expect(plan.due == slots(60_000))
        #expect(plan.wake == at(120_000))
    }

    @Test func `a slot is due at its very millisecond, and not one before`() {
        #expect(Plan(minute, cursor: at(60_000), now: at(119_999)).due == [])
        #expect(Plan(minute, cursor: at(60_000), now: at(120_000)).due == slots(120_000))
    }

    @Test func `a slot that was run is not run again`() {
        let plan = Plan(minute, cursor: at(120_000), now: at(120_000))
        #expect(plan.due == [])
        #expect(plan.wake == at(180_000))
    }

    @Test func `of many missed slots the latest runs, once`() {
        let plan = Plan(minute, cursor: at(60_000), now: at(6_030_000))
        #expect(plan.due == slots(6_000_000))
        #expect(plan.wake == at(6_060_000))
    }

    @Test func `with missed runs none, one slot that is late runs, and several do not, but the rhythm goes on`() {
        let policy = Policy(missed: .none)
        let many = Plan(minute, policy: policy, cursor: at(60_000), now: at(6_030_000))
        #expect(many.due == [])
        #expect(many.cursor == at(6_030_000))
        #expect(Plan(minute, policy: policy, cursor: many.cursor, now: at(6_060_000)).due == slots(6_060_000))
        #expect(Plan(minute, policy: policy, cursor: at(60_000), now: at(130_000)).due == slots(120_000))
    }

    @Test func `with missed runs none, a new job runs at the first slot after it was looked at`() {
        let policy = Policy(missed: .none)
        let first = Plan(minute, policy: policy, cursor: nil, now: at(130_000))
        #expect(first.due == [])
        #expect(Plan(minute, policy: policy, cursor: first.cursor, now: at(180_005)).due == slots(180_000))
    }

    @Test func `with missed runs all, each runs in order, within the cap and the window`() {
        func plan(cap: Int, window: Duration) -> Plan {
            Plan(minute, policy: Policy(missed: .all(cap: cap, window: window)), cursor: at(60_000), now: at(310_000))
        }
        #expect(plan(cap: 9, window: .seconds(3_600)).due == slots(120_000, 180_000, 240_000, 300_000))
        #expect(plan(cap: 2, window: .seconds(3_600)).due == slots(240_000, 300_000))
        #expect(plan(cap: 9, window: .seconds(130)).due == slots(180_000, 240_000, 300_000))
        #expect(plan(cap: 9, window: .seconds(129)).due == slots(240_000, 300_000))
        #expect(plan(cap: 0, window: .seconds(3_600)).due == slots(300_000))
        #expect(plan(cap: 9, window: .seconds(5)).due == [])
        #expect(plan(cap: 9, window: .seconds(5)).cursor == at(310_000))
    }

    @Test func `with missed runs all, a new job owes nothing but the latest`() {
        let policy = Policy(missed: .all(cap: 100, window: .seconds(86_400)))
        #expect(Plan(minute, policy: policy, cursor: nil, now: at(310_000)).due == slots(300_000))
    }

    @Test func `nothing is due while the job runs, and what came due is missed afterwards`() {
        let policy = Policy(missed: .all(cap: 10, window: .seconds(3_600)))
        let during = Plan(minute, policy: policy, cursor: at(60_000), running: Slot(at(120_000)), now: at(250_000))
        #expect(during.due == [])
        #expect(during.wake == at(300_000))
        #expect(during.cursor == at(60_000))
        #expect(Plan(minute, policy: policy, cursor: at(120_000), now: at(250_000)).due == slots(180_000, 240_000))
        #expect(Plan(minute, cursor: at(120_000), now: at(250_000)).due == slots(240_000))
    }

    @Test func `a clock that was set back runs nothing twice, and the rhythm goes on from now`() {
        let ran = Set(slots(120_000, 6_000_000))
        let back = Plan(minute, cursor: at(6_000_000), ran: ran, now: at(90_000))
        #expect(back.due == [])
        #expect(back.wake == at(120_000))
        #expect(back.cursor == at(90_000))
        let again = Plan(minute, cursor: back.cursor, ran: ran, now: at(120_000))
        #expect(again.due == [])
        #expect(Plan(minute, cursor: again.cursor, ran: ran, now: at(180_000)).due == slots(180_000))
    }

    @Test func `a clock that said 2038 for a moment stops nothing once it is mended`() {
        let now: Int64 = 1_795_000_020_000
        let wrong = Plan(minute, cursor: at(now), now: at(2_147_483_640_000))
        #expect(wrong.due == slots(2_147_483_640_000))
        let mended = Plan(minute, cursor: at(2_147_483_640_000), ran: Set(wrong.due), now: at(now + 1_000))
        #expect(mended.due == [])
        #expect(mended.wake == at(now + 60_000))
        #expect(
            Plan(minute, cursor: mended.cursor, ran: Set(wrong.due), now: at(now + 60_000)).due == slots(now + 60_000))
    }

    @Test func `a schedule that never fires again has no wake`() throws {
        let once = Schedule.calendar(try CalendarExpression(parsing: "2026-01-01", zone: .utc))
        let before = Plan(once, cursor: nil, now: at(1_767_225_599_999))
        #expect(before.due == [])
        #expect(before.wake == at(1_767_225_600_000))
        let after = Plan(once, policy: Policy(missed: .none), cursor: before.cursor, now: at(1_767_225_600_000))
        #expect(after.due == slots(1_767_225_600_000))
        #expect(after.wake == nil)
    }

    @Test func `a jitter delays the start and the wake, and leaves the slot its instant`() {
        var jitter = Jitter.none
        for number in 0..<100 where jitter.offset < .seconds(1) {
            jitter = Jitter(job: "job \(number)", spread: .seconds(30))
        }
        let delay = jitter.offset.wholeMilliseconds
        let policy = Policy(jitter: jitter)
        let early = Plan(minute, policy: policy, cursor: at(60_000), now: at(120_000 + delay - 1))
        #expect(early.due == [])
        #expect(early.wake == at(120_000 + delay))
        #expect(Plan(minute, policy: policy, cursor: early.cursor, now: at(120_000 + delay)).due == slots(120_000))
    }

    @Test func `stepping from wake to wake visits every slot once`() throws {
        var random = Seeded(seed: 13)
        for _ in 0..<200 {
            let step = Int64.random(in: 1...100_000, using: &random)
            let schedule = Schedule.every(.milliseconds(step))
            var now = at(Int64.random(in: -1_000_000_000...1_000_000_000, using: &random))
            var cursor: Instant?
            var run: [Int64] = []
            for _ in 0..<20 {
                let plan = Plan(schedule, cursor: cursor, now: now)
                for slot in plan.due {
                    run.append(slot.instant.milliseconds)
                    cursor = slot.instant
                }
                let wake = try #require(plan.wake)
                #expect(wake > now)
                now = wake
            }
            #expect(zip(run, run.dropFirst()).allSatisfy { $1 - $0 == step })
            #expect(run.count == 20)
        }
    }

    @Test func `the ends of time are planned without a trap`() {
        for schedule in [minute, .every(.zero), .every(.seconds(Int64.max)), .every(.milliseconds(-5))] {
            for now in [Int64.min, .min + 1, -1, 0, 1, .max - 1, .max] {
                for cursor in [nil, at(.min), at(0), at(.max)] {
                    for missed in [MissedRuns.latest, .none, .all(cap: 3, window: .seconds(Int64.max))] {
                        let jitter = Jitter(job: "job", spread: .seconds(86_400))
                        let plan = Plan(
                            schedule, policy: Policy(missed: missed, jitter: jitter), cursor: cursor, now: at(now))
                        #expect(plan.due.count <= 3)
                        #expect(plan.wake.map { $0 > at(now) || now == .max } ?? true)
                    }
                }
            }
        }
    }
}
