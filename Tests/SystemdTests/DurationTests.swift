import Systemd
import Testing

@Suite("Durations")
struct DurationTests {
    @Test("loops that begin to wait at different moments wake at the same one, within a period")
    func multiples() {
        let period = Duration.seconds(10)
        var random = SystemRandomNumberGenerator()
        for _ in 0..<1_000 {
            let now = Duration.nanoseconds(Int64.random(in: 0...Int64.max / 4, using: &random))
            let wait = now.untilNextMultiple(of: period)
            #expect(wait > .zero && wait <= period)
            let (seconds, attoseconds) = (now + wait).components
            #expect(seconds % 10 == 0 && attoseconds == 0)
        }
        #expect(Duration.zero.untilNextMultiple(of: period) == period)
        #expect(Duration.seconds(10).untilNextMultiple(of: period) == period)
        #expect(Duration.nanoseconds(9_999_999_999).untilNextMultiple(of: period) == .nanoseconds(1))
    }
}
