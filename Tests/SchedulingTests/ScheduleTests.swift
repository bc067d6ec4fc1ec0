import Testing

@testable import Scheduling

@Suite struct `Schedules` {
    private func at(_ milliseconds: Int64) -> Instant { Instant(milliseconds: milliseconds) }

    @Test(arguments: [
        ("30s", "30s"), ("5m", "5m"), ("1h30m", "90m"), ("daily", "*-*-* 00:00:00"),
        ("Mon..Fri *-*-* 02:30", "Mon..Fri *-*-* 02:30:00"), ("02:30 Europe/Berlin", "*-*-* 02:30:00 Europe/Berlin"),
        ("@5", "1970-01-01 00:00:05 UTC"), ("12-24", "*-12-24 00:00:00"),
    ])
    func `a text is an interval or a calendar expression, and is shown as one that reads back`(
        text: String, shown: String
    ) throws {
        let schedule = try Schedule(parsing: text, zone: .utc)
        #expect(schedule.description == shown)
        #expect(try Schedule(parsing: shown, zone: .utc) == schedule)
    }

    @Test(arguments: [
        ("90", "has no unit; write 90s, 90m, 90h or 90d"), ("5min", "has an unknown unit \"min\"; write 5m"),
        ("-5m", "is negative; write 5m"), ("1.5h", "has a fraction; write 90m"),
        ("0s", "is zero; write a duration such as 1ms"),
    ])
    func `what looks like an interval is told what an interval is`(text: String, complaint: String) throws {
        let problem = try #require(throws: Schedule.Problem.self) { try Schedule(parsing: text, zone: .utc) }
        #expect(problem.description == complaint)
    }

    @Test(arguments: ["", "dayly", "25:00", "*:*/5", "every 5m", "5 m", "02:30 Europe/Berln"])
    func `everything else is told what a calendar expression is`(text: String) throws {
        let problem = try #require(throws: Schedule.Problem.self) { try Schedule(parsing: text, zone: .utc) }
        guard case .calendar = problem else {
            Issue.record("\(problem)")
            return
        }
    }

    @Test func `slots lie on the multiples of the interval since 1970, also before it`() {
        let schedule = Schedule.every(.seconds(300))
        #expect(schedule.next(after: at(0)) == Slot(at(300_000)))
        #expect(schedule.latest(at: at(0)) == Slot(at(0)))
        #expect(schedule.next(after: at(-1)) == Slot(at(0)))
        #expect(schedule.latest(at: at(-1)) == Slot(at(-300_000)))
    }

    @Test func `an interval of centuries is kept to the millisecond`() {
        let duration = Duration.milliseconds(9_007_199_254_740_993)
        #expect(Schedule.every(duration).next(after: at(0)) == Slot(at(9_007_199_254_740_993)))
        #expect(Schedule.every(duration).next(after: at(.max)) == nil)
    }

    @Test func `the next slots are explained in the zone's time and in UTC, with what the clocks did to them`() throws {
        func explain(_ text: String, _ base: String, _ count: Int) throws -> [ExplainedSlot] {
            let start = try #require(Instant(iso8601: base))
            return try Schedule(parsing: text, zone: .utc).explain(after: start, count: count, zone: .utc)
        }
        let gap = try explain("02:30 Europe/Berlin", "2026-03-28T00:00", 3)
        #expect(
            gap.map(\.wall) == [
                "Sat 2026-03-28 02:30:00 +01:00", "Sun 2026-03-29 03:00:00 +02:00", "Mon 2026-03-30 02:30:00 +02:00",
            ])
        #expect(gap[1].utc == "2026-03-29T01:00:00.000Z")
        #expect(
            gap.map(\.note) == [
                nil, "02:30 does not exist that day; runs at 03:00, right after the clocks go forward", nil,
            ])
        #expect(
            try explain("02:0/20 Europe/Berlin", "2026-03-28T12:00", 1)[0].note
                == "02:00 to 02:40 do not exist that day; one run for all of them at 03:00, right after the clocks go forward"
        )
        #expect(
            try explain("*-*-30 06:00 Pacific/Apia", "2011-12-29T12:00", 1)[0].note
                == "2011-12-30 06:00:00 does not exist that day; runs at 00:00, right after the clocks go forward"
        )
        #expect(
            try explain("02:30 Europe/Berlin", "2026-10-24T12:00", 1)[0].note == "02:30 comes twice; runs at the first")
        #expect(
            try explain("*:0/30 Europe/Berlin", "2026-10-25T00:10", 4).map(\.note) == [
                "02:30 comes twice; runs at both, this is the first",
                "02:00 comes twice; runs at both, this is the second",
                "02:30 comes twice; runs at both, this is the second", nil,
            ])
        #expect(try explain("*:30 Europe/Berlin", "2026-03-29T00:00", 2).allSatisfy { $0.note == nil })
        #expect(
            try explain("*:*:0/0.25 America/St_Johns", "2026-07-01T00:00", 1)[0].wall
                == "Tue 2026-06-30 21:30:00.250 -02:30")
        #expect(try explain("2027-01-01", "2026-07-01T00:00", 5).count == 1)
        #expect(try explain("5m", "2026-07-01T00:00", 2).map(\.wall).last == "Wed 2026-07-01 00:10:00 +00:00")
        #expect(try explain("5m", "2026-07-01T00:00", -1).isEmpty)
    }
}
