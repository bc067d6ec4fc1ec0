import Foundation
import Scheduling
import TestSupport
import Testing

@testable import Webhooks

@Suite struct `Retry schedules` {
    @Test func `the default is the one that Standard Webhooks gives`() throws {
        #expect(RetrySchedule.standard.description == "5s 5m 30m 2h 5h 10h 14h 20h 1d")
        #expect(try RetrySchedule("5s 5m 30m 2h 5h 10h 14h 20h 24h") == .standard)
        #expect(try RetrySchedule(RetrySchedule.standard.description) == .standard)
        let waits = (1...10).map { RetrySchedule.standard.delay(afterAttempts: $0, jitter: 0.5) }
        #expect(
            waits
                == [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400, nil].map { $0.map { .seconds($0) } })
    }

    @Test func `there is no attempt before the first or after the last`() throws {
        for attempts in [Int.min, -1, 0, 10, 11, Int.max] {
            #expect(RetrySchedule.standard.delay(afterAttempts: attempts, jitter: 0.5) == nil)
        }
        #expect(try RetrySchedule("off").delay(afterAttempts: 1, jitter: 0) == nil)
        #expect(try RetrySchedule("off").description == "off")
    }

    @Test func `the jitter moves it a quarter either way, and Retry-After only lengthens it`() throws {
        let schedule = try RetrySchedule("100s")
        func wait(_ jitter: Double, _ retryAfter: Duration? = nil) -> Duration? {
            schedule.delay(afterAttempts: 1, jitter: jitter, retryAfter: retryAfter)
        }
        #expect(
            wait(0) == .seconds(75) && wait(1) == .seconds(125) && wait(-5) == .seconds(75) && wait(5) == .seconds(125))
        #expect(wait(.nan) == .seconds(100) && wait(.infinity) == .seconds(125))
        #expect(wait(0.5, .seconds(3_600)) == .seconds(3_600))
        #expect(wait(0.5, .zero) == .seconds(100))
    }

    @Test(arguments: [
        ("", "retries_empty"), ("  ", "retries_empty"), ("5", "retries_malformed"), ("5s,5m", "retries_have_comma"),
        ("5s, 5m", "retries_have_comma"),
        ("5s 0s", "retries_malformed"), ("5s never", "retries_malformed"), ("99ms", "retries_out_of_range"),
        ("31d", "retries_out_of_range"), ("5s off", "retries_malformed"),
        (String(repeating: "5s ", count: 51), "retries_too_many"),
    ])
    func `another setting is refused by name`(text: String, name: String) {
        #expect(#expect(throws: Defect.self) { try RetrySchedule(text) }?.name == name)
    }
}

@Suite struct `Retry-After` {
    /// 1994-11-06T08:49:00Z, 37 seconds before the example of RFC 9110.
    private static let now = Instant(milliseconds: 784_111_740_000)

    @Test(arguments: [
        ("0", 0), ("120", 120), ("  120\t", 120), ("00120", 120), ("86400", 86_400), ("86401", 86_400),
        ("99999999999999999999999999", 86_400), ("Sun, 06 Nov 1994 08:49:37 GMT", 37),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 37),
        ("Sun Nov  6 08:49:37 1994", 37), (" Sun, 06 Nov 1994 08:49:37 GMT ", 37), ("Sun, 06 Nov 1994 08:48:59 GMT", 0),
        ("Mon, 07 Nov 1994 08:49:00 GMT", 86_400), ("Tue, 08 Nov 1994 08:49:00 GMT", 86_400),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Sat, 01 Jan 0000 00:00:00 GMT", 0),
        ("Sun, 06 Nov 1994 08:49:60 GMT", 60), ("Wed Nov 16 08:49:37 1994", 86_400),
        ("Sunday, 06-Nov-93 08:49:37 GMT", 0),
        // 50 years ahead at most: 44 is 2044, 45 is 1945.
        ("Sunday, 06-Nov-44 08:49:37 GMT", 86_400), ("Monday, 06-Nov-45 08:49:37 GMT", 0),
    ])
    func `seconds and the three forms of dates are read`(header: String, seconds: Int) {
        #expect(RetryAfter.wait(header, at: Self.now) == .seconds(seconds))
    }

    @Test(arguments: [
        "", " ", "-1", "+5", "1.5", "1e3", "0x10", "5s", "5 6", "１２", "120, 240", "soon", "NaN",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 +0000", "sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 Nov 94 08:49:37 GMT", "Sun,  06 Nov 1994 08:49:37 GMT",
        "Sun 06 Nov 1994 08:49:37 GMT", "Xyz, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sund, 06-Nov-94 08:49:37 GMT", "Sun Nov 6 08:49:37 1994", "Sun Nov 06 08:49:37 94", "1994-11-06T08:49:37Z",
        "Sun, 06 Nov 1994 08:49 GMT", "Sun, 06 Nov 1994 -8:49:37 GMT", "120\u{301}", "120\r\n",
        String(repeating: "1", count: 101),
    ])
    func `odd values are ignored`(header: String) {
        #expect(RetryAfter.wait(header, at: Self.now) == nil)
    }

    @Test func `dates agree with Foundation's formatter in all three forms`() {
        var random = SplitMix64(for: "HTTP dates")
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = .gmt
        for _ in 0..<500 {
            let now = Instant(milliseconds: .random(in: 0...4_000_000_000, using: &random) * 1_000)
            let wait = Int64.random(in: -100_000...100_000, using: &random)
            let date = Date(timeIntervalSince1970: Double(now.milliseconds / 1_000 + wait))
            for form in [
                "EEE, dd MMM yyyy HH:mm:ss 'GMT'", "EEEE, dd-MMM-yy HH:mm:ss 'GMT'", "EEE MMM dd HH:mm:ss yyyy",
            ] {
                formatter.dateFormat = form
                var text = formatter.string(from: date)
                if form.hasSuffix("yyyy"), text.utf8.dropFirst(8).first == UInt8(ascii: "0") {
                    text = text.prefix(8) + " " + text.dropFirst(9)
                }
                #expect(RetryAfter.wait(text, at: now) == .seconds(min(max(wait, 0), 86_400)), "\(text) at \(now)")
            }
        }
    }

    @Test func `no text and no instant stops it`() {
        var random = SplitMix64(for: "odd Retry-After")
        let pieces = ["Sun", ",", " ", "06", "Nov", "-", "94", "1994", "08:49:37", "GMT", "9", "\t", "\u{0}", "ä", ":"]
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 0...9, using: &random)).map { _ in
                pieces[Int.random(in: 0..<pieces.count, using: &random)]
            }.joined()
            let now = Instant(
                milliseconds: [.min, .max, 0, .random(in: .min ... .max, using: &random)].randomElement(using: &random)
                    ?? 0)
            if let wait = RetryAfter.wait(text, at: now) { #expect(wait >= .zero && wait <= RetryAfter.longest) }
        }
    }
}

@Suite struct `Verdicts on responses` {
    private static func verdict(_ status: Int, _ retryAfter: String? = nil) -> ResponseVerdict {
        ResponseVerdict(status: status, retryAfter: retryAfter, at: Instant(milliseconds: 0))
    }

    @Test func `every status has its verdict`() {
        for status in -1...1_000 {
            let expected: ResponseVerdict
            switch status {
            case 200...299: expected = .delivered
            case 410: expected = .gone
            case 429, 502, 503, 504: expected = .throttled(wait: .seconds(7))
            case 300...399: expected = .failed(.redirect)
            case 400...499: expected = .failed(.clientError)
            case 500...599: expected = .failed(.serverError)
            default: expected = .failed(.oddStatus)
            }
            #expect(Self.verdict(status, "7") == expected, "\(status)")
        }
    }

    @Test func `a throttling response without a readable wait throttles all the same`() {
        #expect(Self.verdict(503) == .throttled(wait: nil))
        #expect(Self.verdict(429, "soon") == .throttled(wait: nil))
        #expect(Self.verdict(429, "Thu, 01 Jan 1970 00:00:09 GMT") == .throttled(wait: .seconds(9)))
    }
}
