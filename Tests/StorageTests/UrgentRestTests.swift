import Testing

@testable import Storage

/// Who rests for whose work, as a value: times are given.
@Suite struct `Rests of urgent and other writes` {
    private static let millisecond: UInt64 = 1_000_000

    private func bite(at began: UInt64, holding milliseconds: UInt64) -> Courtesy.Bite {
        let ended = began + milliseconds * Self.millisecond
        return Courtesy.Bite(began: began, worked: ended, ended: ended, pages: 0, logPages: nil)
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
}
