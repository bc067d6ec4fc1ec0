import ArgumentParser
import Scheduling
import Testing

@testable import tallyd

@Suite struct ReportRangeTests {
    private func day(_ text: String) throws -> Day { try #require(Day(text)) }

    @Test func `without a range a report is about the last thirty days, today included`() throws {
        let range = try ReportRange.range(from: nil, to: nil, last: nil, today: day("2026-11-24"))
        #expect(try range == day("2026-10-26")...day("2026-11-24"))
    }

    @Test func `last counts back from the last day asked for`() throws {
        let range = try ReportRange.range(from: nil, to: day("2026-03-01"), last: 2, today: day("2026-11-24"))
        #expect(try range == day("2026-02-28")...day("2026-03-01"))
    }

    @Test func `a range that ends before it begins is refused`() throws {
        #expect(throws: ValidationError.self) {
            try ReportRange.range(from: day("2026-11-24"), to: day("2026-11-23"), last: nil, today: day("2026-11-24"))
        }
    }

    @Test(arguments: [("30d", 30), ("4w", 28), ("48h", 2)])
    func `last takes whole days`(text: String, days: Int) throws {
        #expect(try ReportRange.dayCount(text) == days)
    }

    @Test(arguments: ["30", "36h", "0d", "soon", ""])
    func `last takes nothing else`(text: String) {
        #expect(throws: ValidationError.self) { try ReportRange.dayCount(text) }
    }
}
