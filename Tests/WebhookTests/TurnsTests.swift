import TestSupport
import Testing

@testable import Webhooks

@Suite struct `Fair turns` {
    private typealias Subject = Turns<String, Int>

    @Test func `endpoints take turns however long their queues are`() {
        var turns = Subject(limits: .init(inFlight: 100), capacity: 1_000)
        for item in 0..<1_000 { turns.add(item, for: "a", at: .zero) }
        turns.add(1, for: "b", at: .zero)
        turns.add(2, for: "b", at: .zero)
        turns.add(1, for: "c", at: .zero)
        let order = (0..<8).compactMap { _ in turns.next(at: .zero)?.endpoint }
        #expect(order == ["a", "b", "c", "a", "b", "a", "a", "a"])
        #expect(turns.waiting == 995 && turns.inFlight == 8)
    }

    @Test func `one that is at its limit costs the others nothing`() {
        var turns = Subject(limits: .init(inFlight: 2), capacity: 1_000)
        for item in 0..<10_000 { turns.add(item, for: "hangs", at: .zero) }
        _ = (turns.next(at: .zero), turns.next(at: .zero))
        #expect(turns.next(at: .zero) == nil)
        #expect(turns.nextWake(at: .zero) == nil)
        for item in 0..<100 {
            turns.add(item, for: "well", at: .zero)
            #expect(turns.next(at: .zero)?.item == item)
            turns.finish("well", at: .zero)
        }
        turns.finish("hangs", at: .zero)
        #expect(turns.next(at: .zero)?.item == 2)
    }

    @Test func `the limit of all together holds, and the ring keeps its order`() {
        var turns = Subject(limits: .init(inFlight: 5), capacity: 2)
        for endpoint in ["a", "b", "c"] { turns.add(0, for: endpoint, at: .zero) }
        #expect(turns.next(at: .zero)?.endpoint == "a")
        #expect(turns.next(at: .zero)?.endpoint == "b")
        #expect(turns.next(at: .zero) == nil)
        turns.finish("a", at: .zero)
        #expect(turns.next(at: .zero)?.endpoint == "c")
    }

    @Test func `one that weighs more waits for its room in front, and one that is alone has it always`() {
        var turns = Subject(limits: .init(inFlight: 5), capacity: 4)
        turns.setLimits(.init(inFlight: 5, weight: 3), for: "heavy", at: .zero)
        for item in 0..<3 { turns.add(item, for: "light", at: .zero) }
        turns.add(0, for: "heavy", at: .zero)
        turns.add(1, for: "heavy", at: .zero)
        #expect(turns.next(at: .zero)?.endpoint == "light")
        #expect(turns.next(at: .zero)?.endpoint == "heavy")
        // 4 of 4; with one of them done there is room for a light one, which has its turn, and then none passes the heavy one.
        turns.finish("light", at: .zero)
        #expect(turns.next(at: .zero)?.endpoint == "light")
        turns.finish("light", at: .zero)
        #expect(turns.next(at: .zero) == nil)
        turns.finish("heavy", at: .zero)
        #expect(turns.next(at: .zero)?.endpoint == "heavy")
        #expect(turns.next(at: .zero)?.endpoint == "light")
        #expect(turns.weightInFlight == 4 && turns.inFlight == 2)

        var narrow = Subject(limits: .init(inFlight: 5, weight: 3), capacity: 1)
        for item in 0..<2 { narrow.add(item, for: "heavy", at: .zero) }
        #expect(narrow.next(at: .zero)?.item == 0)
        #expect(narrow.next(at: .zero) == nil)
        narrow.finish("heavy", at: .zero)
        #expect(narrow.next(at: .zero)?.item == 1)
    }

    @Test func `what is under way weighs what its endpoint's limits say now`() {
        var turns = Subject(limits: .init(inFlight: 5, weight: 3), capacity: 6)
        for endpoint in ["a", "b", "c"] { turns.add(0, for: endpoint, at: .zero) }
        _ = (turns.next(at: .zero), turns.next(at: .zero))
        #expect(turns.next(at: .zero) == nil)
        turns.setLimits(.init(inFlight: 5, weight: 1), for: "a", at: .zero)
        #expect(turns.weightInFlight == 4 && turns.next(at: .zero) == nil)
        turns.setLimits(.init(inFlight: 5, weight: 1), for: "b", at: .zero)
        #expect(turns.next(at: .zero)?.endpoint == "c")
        turns.setLimits(.init(inFlight: 5, weight: 9), for: "c", at: .zero)
        #expect(turns.weightInFlight == 11)
        for endpoint in ["a", "b", "c"] { turns.finish(endpoint, at: .zero) }
        #expect(turns.weightInFlight == 0)
    }

    @Test func `a rate lets a burst go, then one an interval`() {
        let rate = RateLimit(2, per: .seconds(1), burst: 3)
        var turns = Subject(limits: .init(inFlight: 100, rate: rate), capacity: 1_000)
        for item in 0..<10 { turns.add(item, for: "a", at: .zero) }
        for item in 0..<3 { #expect(turns.next(at: .zero)?.item == item) }
        #expect(turns.next(at: .zero) == nil)
        #expect(turns.nextWake(at: .zero) == .milliseconds(500))
        #expect(turns.next(at: .milliseconds(499)) == nil)
        #expect(turns.next(at: .milliseconds(500))?.item == 3)
        #expect(turns.next(at: .milliseconds(999)) == nil)
        #expect(turns.next(at: .milliseconds(1_000))?.item == 4)
    }

    @Test func `who may start once there is room is told of once, not for as long as there is none`() {
        var turns = Subject(limits: .init(inFlight: 5), capacity: 1)
        turns.add(0, for: "a", at: .zero)
        #expect(turns.next(at: .zero)?.item == 0)
        turns.add(1, for: "b", at: .zero)
        turns.pause("b", until: .seconds(1), at: .zero)
        #expect(turns.nextWake(at: .zero) == .seconds(1))
        #expect(turns.nextWake(at: .seconds(2)) == .seconds(2))
        #expect(turns.nextWake(at: .seconds(2)) == nil)
        turns.finish("a", at: .seconds(3))
        #expect(turns.next(at: .seconds(3))?.item == 1)
    }

    @Test func `an ordered endpoint has one under way, and what failed comes first again`() {
        var turns = Subject(limits: .init(inFlight: 10, isOrdered: true), capacity: 1_000)
        for item in 0..<3 { turns.add(item, for: "a", at: .zero) }
        #expect(turns.next(at: .zero)?.item == 0)
        #expect(turns.next(at: .zero) == nil)
        turns.pause("a", until: .seconds(5), at: .zero)
        turns.finish("a", again: 0, at: .zero)
        #expect(turns.next(at: .seconds(4)) == nil)
        #expect(turns.nextWake(at: .seconds(4)) == .seconds(5))
        for item in 0..<3 {
            #expect(turns.next(at: .seconds(5))?.item == item)
            turns.finish("a", at: .seconds(5))
        }
        #expect(turns.next(at: .seconds(5)) == nil)
    }

    @Test func `pauses and limits may change where an endpoint stands`() {
        var turns = Subject(limits: .init(inFlight: 1), capacity: 1_000)
        for item in 0..<5 { turns.add(item, for: "a", at: .zero) }
        turns.pause("a", until: .seconds(9), at: .zero)
        #expect(turns.next(at: .zero) == nil)
        #expect(turns.nextWake(at: .zero) == .seconds(9))
        turns.pause("a", until: .seconds(3), at: .zero)
        #expect(turns.nextWake(at: .zero) == .seconds(3))
        turns.pause("a", until: .seconds(6), at: .zero)
        #expect(turns.next(at: .seconds(4)) == nil)
        turns.pause("a", until: .zero, at: .seconds(4))
        #expect(turns.next(at: .seconds(4))?.item == 0)
        #expect(turns.next(at: .seconds(4)) == nil)
        turns.setLimits(.init(inFlight: 3), for: "a", at: .seconds(4))
        #expect(turns.next(at: .seconds(4))?.item == 1)
        turns.setLimits(nil, for: "a", at: .seconds(4))
        #expect(turns.next(at: .seconds(4)) == nil)
    }

    @Test func `what waits can be taken out, and idle endpoints are forgotten`() {
        var turns = Subject(
            limits: .init(inFlight: 2, rate: RateLimit(1, per: .seconds(1), burst: 2)), capacity: 1_000)
        for item in 0..<5 { turns.add(item, for: "a", at: .zero) }
        #expect(turns.next(at: .zero)?.item == 0)
        #expect(turns.removeWaiting(of: "a") == [1, 2, 3, 4])
        #expect(turns.removeWaiting(of: "a") == [] && turns.removeWaiting(of: "b") == [])
        #expect(turns.next(at: .seconds(9)) == nil)
        turns.forgetIdle(at: .seconds(9))
        #expect(turns.endpointCount == 1)
        turns.finish("a", at: .seconds(9))
        turns.setLimits(.init(inFlight: 7), for: "b", at: .seconds(9))
        turns.forgetIdle(at: .seconds(9))
        #expect(turns.endpointCount == 1)
        #expect(turns.counts(of: "a") == (0, 0))
        turns.finish("a", at: .seconds(9))
        #expect(turns.inFlight == 0 && turns.waiting == 0)
    }

    @Test func `entries of the past do not pile up`() {
        var turns = Subject(limits: .init(inFlight: 1), capacity: 1)
        turns.add(0, for: "a", at: .zero)
        for second in 1...100_000 { turns.pause("a", until: .seconds(1_000_000 - second), at: .zero) }
        for _ in 0..<100_000 {
            turns.add(0, for: "b", at: .zero)
            _ = turns.removeWaiting(of: "b")
        }
        #expect(turns.entryCount < 200)
        #expect(turns.nextWake(at: .zero) == .seconds(900_000))
    }
}
