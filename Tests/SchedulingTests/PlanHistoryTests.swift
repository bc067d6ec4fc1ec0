import Foundation
import Testing

@testable import Scheduling

/// Lanes with random schedules, policies and clocks, looked at from one plan to the next.
@Suite struct `Histories of plans` {
    private static let rounds = ProcessInfo.processInfo.environment["TALLYD_TEST_LONG"] == "1" ? 300 : 15

    private static let expressions = [
        "*:0/10", "hourly", "*:*:0/20", "02:30", "*-*-* 02,14:15", "Mon..Fri 09..17:30", "daily", "*-*~1", "*:5,25",
    ]

    private static func schedule(_ random: inout Seeded) throws -> Schedule {
        if Bool.random(using: &random) {
            return .every(.milliseconds(Int64.random(in: 1_000...5_000_000, using: &random)))
        }
        let zone = try #require(Zone(SystemdAnalyze.zones.randomElement(using: &random) ?? "UTC"))
        let text = expressions.randomElement(using: &random) ?? "daily"
        return .calendar(try CalendarExpression(parsing: text, zone: zone))
    }

    private static func policy(_ random: inout Seeded) -> Policy {
        let missed: MissedRuns =
            switch Int.random(in: 0...3, using: &random) {
            case 0: .latest
            case 1: .none
            default:
                .all(
                    cap: Int.random(in: 1...8, using: &random),
                    window: .seconds(Int64.random(in: 1...200_000, using: &random)))
            }
        let spread = Duration.milliseconds(Int64.random(in: -1...20_000, using: &random))
        return Policy(missed: missed, jitter: Jitter(job: "job \(random.next() % 9)", spread: spread))
    }

    /// What is due by the policies' words alone: every slot is walked, from the cursor forwards.
    private static func expected(
        _ schedule: Schedule, _ policy: Policy, cursor: Instant?, ran: Set<Slot>, now: Instant
    ) -> [Slot] {
        let late = Instant(
            milliseconds: now.milliseconds - policy.jitter.offset.components.seconds * 1_000
                - policy.jitter.offset.components.attoseconds / 1_000_000_000_000_000)
        // The newest twelve are more than any policy here asks for; the span grows until they are in sight.
        var span: Int64 = 1_000
        var walked: [Slot] = []
        while walked.count < 12, span < 40_000_000_000 {
            span *= 4
            walked = []
            let start = Instant(milliseconds: late.milliseconds - span)
            var position = cursor.map { max($0, start) } ?? start
            while let slot = schedule.next(after: position), slot.instant <= late {
                if !ran.contains(slot) { walked.append(slot) }
                position = slot.instant
            }
            if let cursor, cursor >= start { break }
        }
        switch policy.missed {
        case .latest: return walked.suffix(1)
        case .none: return cursor != nil && walked.count == 1 ? walked : []
        case .all(let cap, let window):
            let edge = late.milliseconds - window.components.seconds * 1_000
            let within = walked.filter { $0.instant.milliseconds >= edge }
            return within.suffix(cursor == nil ? 1 : cap)
        }
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func `whatever the clock does, no slot runs twice, what is due is bounded and what the policy says`(
        seed: UInt64
    ) throws {
        var random = Seeded(seed: seed &* 0x9E37_79B9_7F4A_7C15)
        for round in 0..<Self.rounds {
            let schedule = try Self.schedule(&random)
            let policy = Self.policy(&random)
            var now = Instant(milliseconds: Int64.random(in: 1_600_000_000_000...1_900_000_000_000, using: &random))
            var cursor: Instant?
            var ledger: Set<Slot> = []
            for step in 0..<60 {
                let context: Comment = "seed \(seed), round \(round), step \(step): \(schedule), \(policy.missed)"
                let plan = Plan(schedule, policy: policy, cursor: cursor, ran: ledger, now: now)
                #expect(
                    plan.due == Self.expected(schedule, policy, cursor: cursor, ran: ledger, now: now), context)
                #expect(plan.due.count <= 8, context)
                #expect(ledger.isDisjoint(with: plan.due), context)
                let wake = try #require(plan.wake, context)
                #expect(wake > now, context)
                let idle = Plan(schedule, policy: policy, cursor: cursor, running: plan.due.first, now: now)
                #expect(plan.due.isEmpty || idle.due.isEmpty, context)
                cursor = plan.cursor
                if let slot = plan.due.first {
                    ledger.insert(slot)
                    cursor = slot.instant
                    now.milliseconds += Int64.random(in: 0...90_000, using: &random)
                } else {
                    now = Instant(milliseconds: wake.milliseconds + Int64.random(in: 0...2_000, using: &random))
                }
                switch Int.random(in: 0...19, using: &random) {
                case 0: now.milliseconds += Int64.random(in: 1...10_000_000, using: &random)
                case 1: now.milliseconds -= Int64.random(in: 1...10_000_000, using: &random)
                case 2 where step % 3 == 0: now = Instant(milliseconds: 2_147_483_647_000)
                case 3 where step % 3 == 0: now = Instant(milliseconds: 1_000_000_000)
                case 4: now = Instant(milliseconds: 1_795_000_000_000)
                // A restart knows the ledger alone.
                case 5: cursor = ledger.max()?.instant
                default: break
                }
            }
        }
    }

    @Test(arguments: [7, 8, 9] as [UInt64])
    func `while time goes forward, all runs every slot once and in order, and latest always the newest`(
        seed: UInt64
    ) throws {
        var random = Seeded(seed: seed &* 0x9E37_79B9_7F4A_7C15)
        for round in 0..<Self.rounds {
            let schedule = try Self.schedule(&random)
            let begin = Instant(milliseconds: Int64.random(in: 1_600_000_000_000...1_900_000_000_000, using: &random))
            for missed in [MissedRuns.latest, .all(cap: 10_000, window: .seconds(86_400 * 3_650))] {
                let policy = Policy(missed: missed)
                let context: Comment = "seed \(seed), round \(round): \(schedule), \(missed)"
                var now = begin
                var cursor: Instant? = begin
                var run: [Slot] = []
                while run.count < 40 {
                    let plan = Plan(schedule, policy: policy, cursor: cursor, now: now)
                    cursor = plan.cursor
                    if let slot = plan.due.first {
                        #expect(missed != .latest || schedule.latest(at: now) == slot, context)
                        run.append(slot)
                        cursor = slot.instant
                        // The run, now and then longer than several slots; sometimes the machine sleeps.
                        let period =
                            try #require(schedule.next(after: slot.instant)).instant.milliseconds
                            - slot.instant.milliseconds
                        now.milliseconds += Int64.random(in: 0...min(period * 3, 8_640_000_000), using: &random)
                    } else {
                        now = try #require(plan.wake, context)
                    }
                }
                #expect(zip(run, run.dropFirst()).allSatisfy { $0 < $1 }, context)
                guard missed != .latest else { continue }
                var walked: [Slot] = []
                var position = begin
                while walked.count < run.count, let slot = schedule.next(after: position) {
                    walked.append(slot)
                    position = slot.instant
                }
                #expect(run == walked, context)
            }
        }
    }
}
