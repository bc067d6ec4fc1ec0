import Foundation
import Testing

@testable import Scheduling

@Suite struct `Instants` {
    @Test(arguments: [
        ("2026-11-23T22:31:07.123Z", 1_795_473_067_123), ("2026-11-23 22:31:07", 1_795_473_067_000),
        ("2026-11-23", 1_795_392_000_000), ("2026-11-23T22:31", 1_795_473_060_000),
        ("2026-11-23T22:31Z", 1_795_473_060_000), ("2026-11-23t22:31:07z", 1_795_473_067_000),
        ("2026-11-24T00:31:07+02:00", 1_795_473_067_000), ("2026-11-24T00:31:07+0200", 1_795_473_067_000),
        ("2026-11-24T00:31:07+02", 1_795_473_067_000), ("2026-11-23T19:01:07.5-03:30", 1_795_473_067_500),
        ("2026-11-23 22:31:07.9999999999", 1_795_473_067_999), ("2026-11-23T22:31:07.12Z", 1_795_473_067_120),
        ("2026-11-23T22:31:07-00:00", 1_795_473_067_000), ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.999Z", -1), ("2024-02-29T00:00:00Z", 1_709_164_800_000),
        ("0000-01-01T00:00:00Z", -62_167_219_200_000), ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
        ("0000-01-01T00:00:00+23:59", -62_167_305_540_000),
    ])
    func `each written form means one instant`(text: String, milliseconds: Int64) {
        #expect(Instant(iso8601: text)?.milliseconds == milliseconds)
    }

    @Test(arguments: [
        "", "yesterday", "20261123", "2026-11-2", "2026-02-30", "2026-02-31T10:00:00Z", "2026-13-01", "2026-00-01",
        "2026-11-00", "2100-02-29", "2026-11-23T24:00:00Z", "2026-11-23T25:00", "2026-11-23T22:60", "2026-11-23T22",
        "2026-11-23T", "2026-11-23 ", "2026-11-23T22:31:60Z", "2026-11-23T22:31:7Z", "2026-11-23T22:31:07.Z",
        "2026-11-23T22:31:07,123Z", "2026-11-23T22:31:07 Z", "2026-11-23T22:31:07Zz", "2026-11-23T22:31:07+2",
        "2026-11-23T22:31:07+02:0", "2026-11-23T22:31:07+24:00", "2026-11-23T22:31:07+02:60",
        "2026-11-23T22:31:07+02:00:00", "2026-11-23T22:31:07 +02:00", "2026-11-23_22:31:07", "2026/11/23 22:31:07",
        "-026-11-23", "+2026-11-23", "2026-11-23T22:31:07.123Z ", " 2026-11-23", "2026-11-23Z", "2026-W48-1",
        "2026-327", "2026-11-23T-1:00", "2026-11-23\u{0}22:31:07", "２０２６-11-23",
    ])
    func `a text that is no such form is refused`(text: String) {
        #expect(Instant(iso8601: text) == nil)
    }

    @Test(arguments: [
        (100_000_000.0, Int64?(100_000_000_000)), (99_999_999.999, nil), (99_999_999_999, 99_999_999_999_000),
        (99_999_999_999.9995, 99_999_999_999_999), (100_000_000_000, 100_000_000_000),
        (99_999_999_999_999.5, 99_999_999_999_999), (100_000_000_000_000, nil), (20_261_123, nil), (2_461_368.5, nil),
        (0, nil), (-1, nil), (-1_795_473_067, nil), (1_795_473_067.25, 1_795_473_067_250),
        (1_795_473_067_123.7, 1_795_473_067_123), (.nan, nil), (.infinity, nil), (-.infinity, nil), (1e300, nil),
    ])
    func `a number is seconds, milliseconds or nothing`(value: Double, milliseconds: Int64?) {
        #expect(Instant(unix: value)?.milliseconds == milliseconds)
    }

    @Test func `twenty thousand seeded instants come back from their texts, in every offset`() throws {
        var random = Seeded(seed: 9)
        for _ in 0..<20_000 {
            let instant = Instant(
                milliseconds: Int64.random(in: -62_167_000_000_000...253_402_000_000_000, using: &random))
            #expect(Instant(iso8601: instant.description) == instant)
            let minutes = Int64.random(in: -1_439...1_439, using: &random)
            let local = Instant(milliseconds: instant.milliseconds + minutes * 60_000).description.dropLast()
            let size = abs(minutes)
            func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
            let offset = (minutes < 0 ? "-" : "+") + two(size / 60) + (size % 2 == 0 ? ":" : "") + two(size % 60)
            #expect(Instant(iso8601: local + offset) == instant)
        }
    }

    @Test func `the description is what JavaScript's toISOString and Foundation write`() throws {
        var random = Seeded(seed: 10)
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        for _ in 0..<2_000 {
            // Whole seconds, so that Double's grain is out of it; Foundation is Julian before 1582.
            let seconds = Int64.random(in: -11_000_000_000...253_402_300_799, using: &random)
            let date = Date(timeIntervalSince1970: Double(seconds))
            #expect(Instant(milliseconds: seconds * 1000).description == date.formatted(style))
        }
        #expect(Instant(milliseconds: -62_167_219_200_001).description == "-62167219200001 ms")
        #expect(Instant(milliseconds: 253_402_300_800_000).description == "253402300800000 ms")
    }
}
