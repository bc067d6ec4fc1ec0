import Scheduling
import TestSupport
import Testing

@Suite struct DurationTextTests {
    @Test(arguments: [
        ("250ms", Duration.milliseconds(250)),
        ("90s", .seconds(90)),
        ("5m", .seconds(300)),
        ("12h", .seconds(43_200)),
        ("90d", .seconds(7_776_000)),
        ("2w", .seconds(1_209_600)),
        ("1h30m", .seconds(5_400)),
        ("1w2d3h4m5s6ms", .milliseconds(788_645_006)),
        ("9223372036854775807ms", .milliseconds(Int64.max)),
    ])
    func `a number with a unit is a duration`(text: String, duration: Duration) throws {
        #expect(try DurationText.parse(text) == duration)
    }

    @Test(arguments: [
        ("90", "has no unit; write 90s, 90m, 90h or 90d"),
        ("0", "has no unit; write a number and one of ms, s, m, h, d and w, such as 5m"),
        ("", "is empty; write a duration such as 5m"),
        ("off", "is no duration; write a duration such as 5m"),
        ("h", "is no duration; write a duration such as 5m"),
        ("0s", "is zero; write a duration such as 1ms"),
        ("0h0m", "is zero; write a duration such as 1ms"),
        ("5min", "has an unknown unit \"min\"; write 5m"),
        ("90D", "has an unknown unit \"D\"; write 90d"),
        ("1hour30m", "has an unknown unit \"hour\"; write 1h30m"),
        ("2years", "has an unknown unit \"years\"; write 730d"),
        ("3us", "has an unknown unit \"us\"; write a number and one of ms, s, m, h, d and w, such as 5m"),
        ("1h30", "has no unit after 30; write 1h30m"),
        ("1s30", "has no unit after 30; write 1s30ms"),
        ("1ms30", "has no unit after 30; write a number and one of ms, s, m, h, d and w, such as 5m"),
        ("1h2h", "names a unit twice; write 3h"),
        ("30m1h", "has its units out of order; write 90m"),
        ("-5m", "is negative; write 5m"),
        ("+5m", "has a sign; write 5m"),
        ("5 m", "has a space in it; write 5m"),
        (" 5m", "has a space in it; write 5m"),
        ("1.5s", "has a fraction; write 1500ms"),
        ("1,5h", "has a fraction; write 90m"),
        (".5s", "has a fraction; write 500ms"),
        ("0.3ms", "has a fraction; write a number and one of ms, s, m, h, d and w, such as 5m"),
        ("1.2.3s", "has a fraction; write a number and one of ms, s, m, h, d and w, such as 5m"),
        ("9223372036854775808ms", "is longer than can be counted; write 90d"),
        ("9223372036854775807s", "is longer than can be counted; write 90d"),
        ("15250284452w4d", "is longer than can be counted; write 90d"),
        ("١٢h", "is no duration; write a duration such as 5m"),
    ])
    func `a text that is no duration is refused with what to write instead`(text: String, sentence: String) {
        #expect(throws: DurationText.Problem.self) { try DurationText.parse(text) }
        do throws(DurationText.Problem) {
            _ = try DurationText.parse(text)
        } catch {
            #expect(error.description == sentence)
        }
    }

    @Test func `advice never names a duration outside the allowed range`() {
        let range = Duration.milliseconds(1)...(.milliseconds(50))
        let sentences = ["5", "70", "1s500"].map { text in
            do throws(DurationText.Problem) {
                return "\(try DurationText.parse(text))"
            } catch {
                return error.sentence(allowing: range)
            }
        }
        #expect(
            sentences == [
                "has no unit; write 5ms", "has no unit; write a duration from 1ms to 50ms",
                "has no unit after 500; write a duration from 1ms to 50ms",
            ]
        )
    }

    @Test(arguments: [
        (Duration.seconds(5_400), "90m"), (.seconds(604_800), "1w"), (.seconds(7_776_000), "90d"),
        (.seconds(86_400), "1d"),
        (.milliseconds(1_500), "1500ms"), (.milliseconds(3_600_001), "1h1ms"), (.zero, "0s"), (.seconds(-300), "-5m"),
        (.microseconds(1_500), "2ms"), (.nanoseconds(1), "0s"), (.seconds(90), "90s"),
    ])
    func `a duration is shown by its shortest text`(duration: Duration, text: String) {
        #expect(DurationText.format(duration) == text)
    }

    @Test(arguments: [1, 20_261_124, 0xDECADE] as [UInt64])
    func `what was shown parses as the same duration`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        for _ in 0..<5_000 {
            // All magnitudes alike, and round numbers as often as others.
            let raw = Int64.random(in: 1...(.max), using: &random) >> Int64.random(in: 0...62, using: &random)
            let unit = DurationText.Unit.allCases.randomElement(using: &random) ?? .seconds
            let (scaled, overflow) = raw.multipliedReportingOverflow(by: unit.length)
            let duration = Duration.milliseconds(max(1, overflow ? raw : scaled))
            #expect(try DurationText.parse(DurationText.format(duration)) == duration, "seed \(seed)")
        }
    }
}
