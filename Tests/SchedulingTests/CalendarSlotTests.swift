import Testing

@testable import Scheduling

/// Slots around the changes of the clocks, each beside what systemd-analyze 252 says.
@Suite struct `Calendar slots across summer time` {
    /// Expression with its zone; the base in UTC; our next slots in UTC; systemd's, where they differ on purpose.
    static let changes: [(String, String, [String], [String]?)] = [
        // A nightly time in the gap: systemd skips the night.
        (
            "02:30 Europe/Berlin", "2026-03-28T12:00", ["2026-03-29T01:00", "2026-03-30T00:30"],
            ["2026-03-30T00:30", "2026-03-31T00:30"]
        ),
        (
            "02:30 America/New_York", "2026-03-07T12:00", ["2026-03-08T07:00", "2026-03-09T06:30"],
            ["2026-03-09T06:30", "2026-03-10T06:30"]
        ),
        // Several in one gap are one.
        (
            "02:0/20 Europe/Berlin", "2026-03-28T12:00", ["2026-03-29T01:00", "2026-03-30T00:00"],
            ["2026-03-30T00:00", "2026-03-30T00:20"]
        ),
        // In the gap and at its end: one.
        (
            "02,03:00 Europe/Berlin", "2026-03-28T12:00", ["2026-03-29T01:00", "2026-03-30T00:00"], nil
        ),
        // A gap of half an hour.
        (
            "02:15 Australia/Lord_Howe", "2026-10-03T12:00", ["2026-10-03T15:30", "2026-10-04T15:15"],
            ["2026-10-04T15:15", "2026-10-05T15:15"]
        ),
        // A whole day that never was.
        (
            "*-12-30 06:00 Pacific/Apia", "2011-12-29T12:00", ["2011-12-30T10:00", "2012-12-29T16:00"],
            ["2012-12-29T16:00", "2013-12-29T16:00"]
        ),
        // Every hour: no extra slot for the hour that is left out.
        ("*:30 Europe/Berlin", "2026-03-29T00:00", ["2026-03-29T00:30", "2026-03-29T01:30"], nil),
        ("*:0/10 Europe/Berlin", "2026-03-29T00:45", ["2026-03-29T00:50", "2026-03-29T01:00"], nil),
        ("hourly Australia/Lord_Howe", "2026-10-03T14:00", ["2026-10-03T14:30", "2026-10-03T16:00"], nil),
        // A time that comes twice runs at the first.
        ("02:30 Europe/Berlin", "2026-10-24T12:00", ["2026-10-25T00:30", "2026-10-26T01:30"], nil),
        ("01:45 Australia/Lord_Howe", "2026-04-04T12:00", ["2026-04-04T14:45", "2026-04-05T15:15"], nil),
        ("23:30 America/St_Johns", "2006-10-28T12:00", ["2006-10-29T02:00", "2006-10-30T03:00"], nil),
        // Asked from between the two, systemd runs the second.
        (
            "02:30 Europe/Berlin", "2026-10-25T01:05", ["2026-10-26T01:30", "2026-10-27T01:30"],
            ["2026-10-25T01:30", "2026-10-26T01:30"]
        ),
        // A rhythm goes on; systemd is silent for an hour.
        (
            "*:0/30 Europe/Berlin", "2026-10-25T00:10",
            ["2026-10-25T00:30", "2026-10-25T01:00", "2026-10-25T01:30", "2026-10-25T02:00"],
            ["2026-10-25T00:30", "2026-10-25T02:00", "2026-10-25T02:30", "2026-10-25T03:00"]
        ),
        (
            "hourly Europe/Berlin", "2026-10-24T23:30", ["2026-10-25T00:00", "2026-10-25T01:00", "2026-10-25T02:00"],
            ["2026-10-25T00:00", "2026-10-25T02:00", "2026-10-25T03:00"]
        ),
        (
            "02:0/30 Europe/Berlin", "2026-10-25T00:10",
            ["2026-10-25T00:30", "2026-10-25T01:00", "2026-10-25T01:30", "2026-10-26T01:00"],
            ["2026-10-25T00:30", "2026-10-26T01:00", "2026-10-26T01:30", "2026-10-27T01:00"]
        ),
        // Ramadan in Morocco: the clocks go back, and forward again.
        ("02:30 Africa/Casablanca", "2026-02-14T12:00", ["2026-02-15T01:30", "2026-02-16T02:30"], nil),
        (
            "02:30 Africa/Casablanca", "2026-03-21T12:00", ["2026-03-22T02:00", "2026-03-23T01:30"],
            ["2026-03-23T01:30", "2026-03-24T01:30"]
        ),
        // Two hours at a time, and a list of minutes: points in time, not a rhythm.
        ("0/2:00 Europe/Berlin", "2026-10-24T23:00", ["2026-10-25T00:00", "2026-10-25T03:00"], nil),
        ("02:00,30 Europe/Berlin", "2026-10-25T00:10", ["2026-10-25T00:30", "2026-10-26T01:00"], nil),
    ]

    private func seconds(_ text: String) throws -> Int64 {
        try #require(Instant(iso8601: text)).milliseconds / 1_000
    }

    @Test func `each runs once, right after a gap or at the first of two, and a rhythm goes on`() throws {
        for (text, base, ours, theirs) in Self.changes {
            let expression = try CalendarExpression(parsing: text, zone: .utc)
            var now = try #require(Instant(iso8601: base))
            var slots: [String] = []
            for _ in ours {
                let slot = try #require(expression.next(after: now))
                #expect(expression.latest(at: slot.instant) == slot)
                slots.append(String(slot.instant.description.prefix(16)))
                now = slot.instant
            }
            #expect(slots == ours, "\(text) after \(base)")
            let reply = try SystemdAnalyze.calendar([text], iterations: ours.count, base: try seconds(base))[0]
            // At some gaps systemd gives up, and says nothing that could differ.
            if reply != .undetermined {
                #expect(try reply.answer?.elapses == (theirs ?? ours).map(seconds), "\(text) after \(base)")
            }
        }
    }

    @Test(arguments: SystemdAnalyze.zones)
    func `the latest slot is the one that a walk ends on, at every instant around a change`(name: String) throws {
        let zone = try #require(Zone(name))
        var random = Seeded(seed: 31)
        let texts = ["*:0/10", "hourly", "02:30", "01:45", "0/3:0/20", "00:00", "*:*:0/7", "01..02:*", "Sun 02,03:15"]
        for text in texts {
            let expression = try CalendarExpression(parsing: text, zone: zone)
            for change in WallClock(zone: zone).changes(after: 1_300_000_000, count: 3) {
                let start = (change.seconds - 8_000) * 1_000
                var position = Instant(milliseconds: start)
                var slots: [Slot] = []
                while let slot = expression.next(after: position), slot.instant.milliseconds < start + 16_000_000 {
                    slots.append(slot)
                    position = slot.instant
                }
                for _ in 0..<60 {
                    let instant = Instant(milliseconds: start + Int64.random(in: 0..<16_000_000, using: &random))
                    let walked = slots.last { $0.instant <= instant }
                    let latest = expression.latest(at: instant)
                    #expect(walked == nil ? latest.map { $0.instant.milliseconds <= start } ?? true : latest == walked)
                }
            }
        }
    }

    @Test(arguments: [
        "*:*:*", "*:*:0/0.001", "minutely", "*-02-29", "Mon *-02-29", "*-02-30", "2199-12-31", "1970-01-01",
        "Fri *-*-13 13:13:13.131", "Mon 2098-02-29", "Sun *-*~1 23:59:59.999999",
    ])
    func `a search looks into no more months than there are, in both directions`(text: String) throws {
        let expression = try CalendarExpression(parsing: text, zone: .utc)
        var random = Seeded(seed: 32)
        for _ in 0..<200 {
            let wall = Int64.random(in: -100_000_000_000...7_400_000_000_000, using: &random)
            var forwards = CalendarSearch(expression)
            let next = forwards.first(atOrAfter: wall)
            var backwards = CalendarSearch(expression)
            let previous = backwards.last(atOrBefore: wall)
            #expect(forwards.months <= 2_761 && backwards.months <= 2_761)
            #expect(next.map { $0 >= wall } ?? true)
            #expect(previous.map { $0 <= wall } ?? true)
            // Neither leaves anything out between them: the one answer is the other's, seen from there.
            if let next {
                #expect(backwards.last(atOrBefore: next) == next)
                if next > wall { #expect(backwards.last(atOrBefore: next - 1) == previous) }
            }
        }
    }

    @Test func `a year that is over never comes again, and has a latest slot`() throws {
        let expression = try CalendarExpression(parsing: "2003-03-05 05:40", zone: .utc)
        let now = Instant(milliseconds: 1_795_000_000_000)
        #expect(expression.next(after: now) == nil)
        #expect(expression.latest(at: now)?.instant == Instant(iso8601: "2003-03-05T05:40"))
        #expect(expression.latest(at: Instant(milliseconds: 0)) == nil)
        #expect(expression.next(after: Instant(milliseconds: .min))?.instant == Instant(iso8601: "2003-03-05T05:40"))
        #expect(expression.next(after: Instant(milliseconds: .max)) == nil)
        #expect(try CalendarExpression(parsing: "*-02-30", zone: .utc).latest(at: now) == nil)
    }

    @Test func `microseconds below a millisecond are dropped, and slots that fall together are one`() throws {
        let expression = try CalendarExpression(parsing: "*:*:0.0005/0.0005", zone: .utc)
        #expect(expression.next(after: Instant(milliseconds: 0))?.instant.milliseconds == 1)
        #expect(expression.next(after: Instant(milliseconds: 1))?.instant.milliseconds == 2)
        #expect(expression.latest(at: Instant(milliseconds: 59_999))?.instant.milliseconds == 59_999)
    }
}
