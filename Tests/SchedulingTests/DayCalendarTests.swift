import Foundation
import Testing

@testable import Scheduling

@Suite struct `Day calendars` {
    static let zones = [
        "UTC", "Europe/Berlin", "America/New_York", "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe",
        "Asia/Kathmandu", "Africa/Casablanca", "Antarctica/Troll", "America/Sao_Paulo", "Asia/Tehran",
        "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kolkata", "America/Havana", "Asia/Beirut", "Africa/Monrovia",
        "Europe/Dublin", "Pacific/Kwajalein", "Asia/Pyongyang",
    ]

    private static func foundation(_ zone: Zone) -> Calendar {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone.timeZone
        return calendar
    }

    private static func day(_ calendar: Calendar, _ milliseconds: Int64) -> String {
        let seconds = Double(milliseconds.flooredDivision(by: 1000).quotient)
        let parts = calendar.dateComponents([.year, .month, .day], from: Date(timeIntervalSince1970: seconds))
        func padded(_ value: Int?, _ width: Int) -> String {
            let digits = String(value ?? -1)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return padded(parts.year, 4) + "-" + padded(parts.month, 2) + "-" + padded(parts.day, 2)
    }

    @Test(arguments: zones)
    func `seeded instants of two centuries fall on the day that Foundation says`(name: String) throws {
        let zone = try #require(Zone(name))
        let calendar = Self.foundation(zone)
        var ours = DayCalendar(zone: zone)
        var random = Seeded(seed: 11)
        for _ in 0..<1_500 {
            let instant = Instant(
                milliseconds: Int64.random(in: -2_200_000_000_000...4_100_000_000_000, using: &random))
            #expect(ours.day(of: instant)?.description == Self.day(calendar, instant.milliseconds), "\(instant)")
            #expect(
                ours.offsetSeconds(at: instant)
                    == zone.timeZone.secondsFromGMT(
                        for: Date(
                            timeIntervalSince1970: Double(instant.milliseconds.flooredDivision(by: 1000).quotient)))
            )
        }
    }

    @Test(arguments: zones)
    func `the seconds around every change of the clocks fall on the day that Foundation says`(name: String) throws {
        let zone = try #require(Zone(name))
        let calendar = Self.foundation(zone)
        var ours = DayCalendar(zone: zone)
        var after = Date(timeIntervalSince1970: 0)
        let end = Date(timeIntervalSince1970: 2_200_000_000)
        while let change = zone.timeZone.nextDaylightSavingTimeTransition(after: after), change < end, change > after {
            let seconds = Int64(change.timeIntervalSince1970)
            for shift: Int64 in [
                -86_400, -7_200, -3_601, -3_600, -61, -60, -1, 0, 1, 59, 60, 3_540, 3_599, 3_600, 86_400,
            ] {
                let milliseconds = (seconds + shift) * 1000
                #expect(
                    ours.day(of: Instant(milliseconds: milliseconds))?.description == Self.day(calendar, milliseconds),
                    "\(shift) s from the change at \(seconds) in \(name)")
            }
            after = change
        }
    }

    @Test(arguments: zones)
    func `a day's bounds are the first instants of it and of the next`(name: String) throws {
        let zone = try #require(Zone(name))
        var ours = DayCalendar(zone: zone)
        var random = Seeded(seed: 12)
        for _ in 0..<400 {
            // From 2012 on: before, some zones set their clocks back across midnight, where a day is no one stretch of time.
            let day = try #require(Day(number: Int.random(in: 15_340...40_000, using: &random)))
            let bounds = ours.bounds(of: day)
            #expect(ours.day(of: bounds.lowerBound) == day)
            #expect(ours.day(of: Instant(milliseconds: bounds.lowerBound.milliseconds - 1)) == day.advanced(by: -1))
            #expect(ours.day(of: Instant(milliseconds: bounds.upperBound.milliseconds - 1)) == day)
            #expect(ours.day(of: bounds.upperBound) == day.advanced(by: 1))
        }
    }

    @Test(arguments: [
        ("Europe/Berlin", "2026-03-29", 23.0), ("Europe/Berlin", "2026-10-25", 25), ("Europe/Berlin", "2026-10-26", 24),
        ("America/New_York", "2026-03-08", 23), ("America/New_York", "2026-11-01", 25),
        ("Australia/Lord_Howe", "2026-04-05", 24.5), ("Australia/Lord_Howe", "2026-10-04", 23.5),
        ("America/St_Johns", "2026-03-08", 23), ("Antarctica/Troll", "2026-03-29", 22),
        ("Antarctica/Troll", "2026-10-25", 26), ("Pacific/Apia", "2011-12-29", 24), ("Pacific/Apia", "2011-12-30", 0),
        ("Pacific/Apia", "2011-12-31", 24), ("UTC", "2026-10-25", 24),
    ])
    func `a day is as long as its clocks make it`(name: String, date: String, hours: Double) throws {
        var calendar = DayCalendar(zone: try #require(Zone(name)))
        let bounds = calendar.bounds(of: try #require(Day(date)))
        #expect(Double(bounds.upperBound.milliseconds - bounds.lowerBound.milliseconds) / 3_600_000 == hours)
    }

    @Test func `no instant falls on the day that Apia skipped`() throws {
        var calendar = DayCalendar(zone: try #require(Zone("Pacific/Apia")))
        var days: Set<String> = []
        let start = try #require(Instant(iso8601: "2011-12-29T00:00:00Z"))
        for minute in 0..<4_320 {
            let instant = Instant(milliseconds: start.milliseconds + Int64(minute) * 60_000)
            if let day = calendar.day(of: instant) { days.insert(day.description) }
        }
        #expect(days.sorted() == ["2011-12-28", "2011-12-29", "2011-12-31", "2012-01-01"])
    }

    @Test func `the clocks of St John's once went back from 00：01 to 23：01, and the hour counts for the old day`()
        throws
    {
        var calendar = DayCalendar(zone: try #require(Zone("America/St_Johns")))
        // 2010-11-07 00:00:30 NDT, then 23:30 NST of the 6th, then 00:00:30 NST of the 7th.
        let days = ["2010-11-07T02:30:30Z", "2010-11-07T03:00:00Z", "2010-11-07T03:30:30Z"].compactMap {
            Instant(iso8601: $0).flatMap { calendar.day(of: $0) }?.description
        }
        #expect(days == ["2010-11-07", "2010-11-06", "2010-11-07"])
    }

    @Test func `the ends of the calendar move with the zone, and what lies past them is no day`() throws {
        let first = try #require(Instant(iso8601: "0000-01-01T00:00:00Z"))
        let last = try #require(Instant(iso8601: "9999-12-31T23:59:59.999Z"))
        var utc = DayCalendar.utc
        #expect(utc.day(of: first) == .first)
        #expect(utc.day(of: last) == .last)
        #expect(utc.day(of: Instant(milliseconds: first.milliseconds - 1)) == nil)
        #expect(utc.day(of: Instant(milliseconds: last.milliseconds + 1)) == nil)
        #expect(utc.bounds(of: .last).upperBound.milliseconds == last.milliseconds + 1)
        var west = DayCalendar(zone: try #require(Zone("America/New_York")))
        #expect(west.day(of: first) == nil)
        #expect(west.day(of: last) == .last)
        var east = DayCalendar(zone: try #require(Zone("Asia/Tokyo")))
        #expect(east.day(of: first) == .first)
        #expect(east.day(of: last) == nil)
        #expect(east.day(of: Instant(milliseconds: .min)) == nil)
        #expect(east.day(of: Instant(milliseconds: .max)) == nil)
    }

    @Test func `more days than are kept are still right when they are asked for again`() throws {
        let zone = try #require(Zone("Europe/Berlin"))
        var calendar = DayCalendar(zone: zone)
        var fresh = DayCalendar(zone: zone)
        for number in 0..<5_000 {
            _ = calendar.day(of: Instant(milliseconds: Int64(number) * 86_400_000))
        }
        for number in stride(from: 0, to: 5_000, by: 37) {
            let instant = Instant(milliseconds: Int64(number) * 86_400_000 + 82_000_000)
            #expect(calendar.day(of: instant) == fresh.day(of: instant))
        }
    }
}
