import Foundation
import Testing

@testable import Scheduling

@Suite struct `Days` {
    @Test func `every month of ten thousand years begins and ends where counting days one by one puts it`() {
        var number = -719_528
        for year in 0...9999 {
            let isLeap = year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
            for (index, length) in [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].enumerated() {
                let first = Day(number: number)
                let last = Day(number: number + length - 1)
                let isRight =
                    first == Day(year: year, month: index + 1, day: 1)
                    && last == Day(year: year, month: index + 1, day: length)
                    && first.map { $0.civil == (year, index + 1, 1) } == true
                    && last.map { $0.civil == (year, index + 1, length) } == true
                    && Day(year: year, month: index + 1, day: length + 1) == nil
                if !isRight { Issue.record("month \(index + 1) of \(year)") }
                number += length
            }
        }
        #expect(Day.last.number == Int32(number - 1))
    }

    @Test func `a seeded ten thousand days are what Foundation's calendar says`() throws {
        var random = Seeded(seed: 7)
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        for _ in 0..<10_000 {
            // Foundation follows the Julian calendar before October 1582.
            let number = Int.random(in: -135_000...2_932_896, using: &random)
            let parts = calendar.dateComponents(
                [.year, .month, .day], from: Date(timeIntervalSince1970: Double(number) * 86_400 + 1))
            let day = try #require(Day(number: number))
            #expect([day.civil.year, day.civil.month, day.civil.day] == [parts.year, parts.month, parts.day])
            #expect(Day(day.description) == day)
        }
    }

    @Test func `the first day is 0000-01-01 and the last 9999-12-31`() {
        #expect(Day.first.description == "0000-01-01")
        #expect(Day.last.description == "9999-12-31")
        #expect(Day("0000-01-01") == .first)
        #expect(Day("9999-12-31") == .last)
        #expect(Day.first.advanced(by: -1) == nil)
        #expect(Day.last.advanced(by: 1) == nil)
        #expect(Day(number: Int(Day.first.number) - 1) == nil)
        #expect(Day(number: Int(Day.last.number) + 1) == nil)
        #expect(Day.last.advanced(by: -1)?.description == "9999-12-30")
    }

    @Test(arguments: [
        "2026-02-29", "2100-02-29", "2026-00-10", "2026-13-01", "2026-04-31", "2026-01-00", "2026-1-01", "26-01-01",
        "2026-01-01 ", " 2026-01-01", "2026/01/01", "20260101", "", "+026-01-01", "-001-01-01", "２026-01-01",
        "2026-01-0a",
    ])
    func `a text that names no day is refused`(text: String) {
        #expect(Day(text) == nil)
    }

    @Test(arguments: ["2024-02-29", "2000-02-29", "0000-02-29", "1970-01-01", "1582-10-10"])
    func `a day that the proleptic Gregorian calendar has is read`(text: String) {
        #expect(Day(text)?.description == text)
    }

    @Test func `days sort as their texts do`() throws {
        var random = Seeded(seed: 8)
        for _ in 0..<1_000 {
            let left = try #require(Day(number: Int.random(in: -719_528...2_932_896, using: &random)))
            let right = try #require(Day(number: Int.random(in: -719_528...2_932_896, using: &random)))
            #expect((left < right) == (left.description < right.description))
        }
    }
}
