import TestSupport
import Testing

@testable import Storage

/// Who rests for whose work, as a value: times are given.
@Suite struct `Rests of urgent and other writes` {
    private static let millisecond: UInt64 = 1_000_000

    private func bite(at began: UInt64, holding milliseconds: UInt64, pages: Int = 0) -> Courtesy.Bite {
        let ended = began + milliseconds * Self.millisecond
        return Courtesy.Bite(began: began, worked: ended, ended: ended, pages: pages, logPages: nil)
    }

    @Test func `an urgent write does not rest for what others took, and they rest for it`() {
        var courtesy = Courtesy(pace: Pace(duty: 0.1))
        let start: UInt64 = 1_000_000_000
        courtesy.note(bite(at: start, holding: 5))
        let own = courtesy.rest
        #expect(own == start + 50 * Self.millisecond, "nine times its hold")
        #expect(courtesy.urgentRest == 0)
        courtesy.note(bite(at: start + 10 * Self.millisecond, holding: 1), isUrgent: true)
        #expect(courtesy.urgentRest == start + 20 * Self.millisecond)
        #expect(courtesy.rest == own + 9 * Self.millisecond)
    }

    @Test func `urgent writes without end put the others off for a while, and not for ever`() {
        var courtesy = Courtesy(pace: Pace(duty: 0.1))
        let start: UInt64 = 1_000_000_000
        courtesy.note(bite(at: start, holding: 5))
        let own = courtesy.rest
        var now = start + 5 * Self.millisecond
        while now < start + 1_000 * Self.millisecond {
            courtesy.note(bite(at: now, holding: 1), isUrgent: true)
            now = courtesy.urgentRest
        }
        #expect(courtesy.rest == own + 100 * Self.millisecond)
    }

    @Test
    func `urgent writes take no more pages than their ration over any time, and few of them do not rest for pages`() {
        var random = SplitMix64(for: "urgent pages")
        for _ in 0..<50 {
            var courtesy = Courtesy(pace: Pace(duty: 0.1, pagesPerSecond: 500))
            var now: UInt64 = 1_000_000_000
            var bites: [(began: UInt64, pages: Int)] = []
            for _ in 0..<300 {
                let pages = Int.random(in: 0...40, using: &random)
                courtesy.note(bite(at: now, holding: 0, pages: pages), isUrgent: true)
                bites.append((now, pages))
                now = max(now, courtesy.urgentRest) + .random(in: 0...60, using: &random) * Self.millisecond
            }
            for (index, first) in bites.enumerated() {
                var sum = 0
                for bite in bites[index...] {
                    sum += bite.pages
                    let seconds = Double(bite.began - first.began) / 1e9
                    // What was saved up, and the one bite that overdraws it.
                    #expect(Double(sum) <= 500 * (seconds + 0.5) + 40.001)
                }
            }
        }
        var courtesy = Courtesy(pace: Pace(duty: 0.1, pagesPerSecond: 500))
        courtesy.note(bite(at: 1_000_000_000, holding: 1, pages: 250), isUrgent: true)
        #expect(courtesy.urgentRest == 1_010_000_000, "for its hold alone")
        courtesy.note(bite(at: 1_010_000_000, holding: 0, pages: 55), isUrgent: true)
        #expect(courtesy.urgentRest == 1_111_000_000, "4.5 came back in the meantime; 50.5 at 500 a second")
    }
}
