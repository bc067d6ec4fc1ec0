import Testing

@testable import Systemd

struct LivenessTests {
    private func liveness(_ loops: [Liveness.Loop], poolWaitingSince: Duration? = nil) -> Liveness {
        Liveness(loops: loops, poolWaitingSince: poolWaitingSince, poolAllowed: .seconds(10))
    }

    @Test func `a beat of exactly the allowed age is fresh and a nanosecond more is late`() {
        let loop = Liveness.Loop(name: "rollup", lastBeat: .seconds(100), allowedAge: .seconds(5))
        #expect(liveness([loop]).verdict(now: .seconds(105)) == .ping)
        let late = LateLoop(name: "rollup", age: .seconds(5) + .nanoseconds(1), allowed: .seconds(5))
        #expect(liveness([loop]).verdict(now: .seconds(105) + .nanoseconds(1)) == .withhold(lateLoops: [late]))
    }

    @Test func `one late loop is enough and only late ones are named`() {
        let loops = [
            Liveness.Loop(name: "rollup", lastBeat: .seconds(100), allowedAge: .seconds(5)),
            Liveness.Loop(name: "store", lastBeat: .seconds(90), allowedAge: .seconds(5)),
        ]
        let late = LateLoop(name: "store", age: .seconds(11), allowed: .seconds(5))
        #expect(liveness(loops).verdict(now: .seconds(101)) == .withhold(lateLoops: [late]))
    }

    @Test func `a pool that has not answered withholds the ping though every loop is fresh`() {
        let loop = Liveness.Loop(name: "rollup", lastBeat: .seconds(100), allowedAge: .seconds(5))
        let late = LateLoop(name: "cooperative pool", age: .seconds(3), allowed: .seconds(10))
        let verdict = liveness([loop], poolWaitingSince: .seconds(98)).verdict(now: .seconds(101))
        #expect(verdict == .withhold(lateLoops: [late]))
    }

    @Test func `a process that promised nothing needs only its pool`() {
        #expect(liveness([]).verdict(now: .zero) == .ping)
    }
}
