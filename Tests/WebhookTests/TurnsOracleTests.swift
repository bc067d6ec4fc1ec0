import TestSupport
import Testing

@testable import Webhooks

/// Random histories, held against lists that are searched from end to end.
@Suite struct `Turns, at random` {
    private struct Model {
        var queues: [Int: [Int]] = [:]
        var inFlight: [Int: [Int]] = [:]
        var limits: [Int: Turns<Int, Int>.Limits] = [:]
        var pauses: [Int: Duration] = [:]
        var starts: [Int: [Duration]] = [:]
        /// How many turns of others an endpoint that could start has seen pass.
        var passed: [Int: Int] = [:]

        var weightInFlight: Int {
            inFlight.reduce(0) { $0 + $1.value.count * (limits[$1.key]?.weight ?? 0) }
        }

        /// By the words of the limit: of any n starts in a row beyond the burst, the last is late enough.
        func rateAllows(_ endpoint: Int, at now: Duration) -> Bool {
            guard let rate = limits[endpoint]?.rate else { return true }
            var bucket = Duration.zero
            for start in starts[endpoint] ?? [] { bucket = max(bucket, start) + rate.interval }
            return bucket - rate.interval * (rate.burst - 1) <= now
        }

        func mayStart(_ endpoint: Int, at now: Duration) -> Bool {
            guard let limits = limits[endpoint], !(queues[endpoint] ?? []).isEmpty else { return false }
            return inFlight[endpoint, default: []].count < (limits.isOrdered ? 1 : limits.inFlight)
                && pauses[endpoint, default: .zero] <= now && rateAllows(endpoint, at: now)
        }
    }

    @Test func `no limit is passed, no order broken, nobody waits more than a round, and nothing is lost`() {
        var random = SplitMix64(for: "turns, at random")
        var turnsTaken = 0
        var blocked = 0
        for _ in 0..<300 {
            let most = Int.random(in: 1...12, using: &random)
            var turns = Turns<Int, Int>(limits: .init(inFlight: 1), capacity: most, crowd: 3)
            var model = Model()
            var now = Duration.zero
            var item = 0
            for endpoint in 0..<8 {
                let rate = RateLimit(
                    .random(in: 1...5, using: &random), per: .seconds(1), burst: .random(in: 1...4, using: &random))
                model.limits[endpoint] = .init(
                    inFlight: .random(in: 1...4, using: &random), rate: Bool.random(using: &random) ? rate : nil,
                    isOrdered: Int.random(in: 0..<3, using: &random) == 0,
                    yields: Int.random(in: 0..<3, using: &random) == 0,
                    weight: Int.random(in: 0..<2, using: &random) == 0 ? 3 : 1)
                turns.setLimits(model.limits[endpoint], for: endpoint, at: now)
            }
            for _ in 0..<400 {
                let endpoint = Int.random(in: 0..<8, using: &random)
                switch Int.random(in: 0..<12, using: &random) {
                case 0, 1, 2:
                    turns.add(item, for: endpoint, at: now)
                    model.queues[endpoint, default: []].append(item)
                    item += 1
                case 3, 4:
                    guard let done = model.inFlight[endpoint]?.popLast() else { continue }
                    let again = model.limits[endpoint]?.isOrdered == true && Bool.random(using: &random)
                    if again { model.queues[endpoint, default: []].insert(done, at: 0) }
                    turns.finish(endpoint, again: again ? done : nil, at: now)
                case 5:
                    let until = now + .milliseconds(.random(in: -100...700, using: &random))
                    turns.pause(endpoint, until: until, at: now)
                    model.pauses[endpoint] = until
                    if until > now { model.passed[endpoint] = 0 }
                case 6: now += .milliseconds(.random(in: 0...400, using: &random))
                case 7 where Int.random(in: 0..<8, using: &random) == 0:
                    #expect(turns.removeWaiting(of: endpoint) == model.queues[endpoint] ?? [])
                    model.queues[endpoint] = []
                    model.passed[endpoint] = 0
                case 8:
                    if Bool.random(using: &random) {
                        model.limits[endpoint]?.yields.toggle()
                    } else {
                        model.limits[endpoint]?.weight = .random(in: 1...4, using: &random)
                    }
                    turns.setLimits(model.limits[endpoint], for: endpoint, at: now)
                    model.passed[endpoint] = 0
                default:
                    let total = model.weightInFlight
                    let skips = Int.random(in: 0..<6, using: &random) == 0
                    let wishing = (0..<8).filter { model.mayStart($0, at: now) }
                    let ready = wishing.filter {
                        guard let limits = model.limits[$0] else { return false }
                        return (total == 0 || total + limits.weight <= (limits.yields ? most - most / 4 : most))
                            && !(limits.yields && skips)
                    }
                    guard let (taken, given) = turns.next(at: now, skippingYielding: skips) else {
                        // One for which there is no room holds its place: one that yields in front of others that do, any other in front of all.
                        let without = wishing.filter { !ready.contains($0) }
                        let isBlocked =
                            without.contains { model.limits[$0]?.yields == false }
                            || !without.isEmpty && ready.allSatisfy { model.limits[$0]?.yields == true }
                        #expect(ready.isEmpty || isBlocked, "\(ready)")
                        if !ready.isEmpty { blocked += 1 }
                        continue
                    }
                    turnsTaken += 1
                    #expect(ready.contains(taken))
                    #expect(model.queues[taken]?.first == given)
                    model.queues[taken]?.removeFirst()
                    model.inFlight[taken, default: []].append(given)
                    model.starts[taken, default: []].append(now)
                    for other in 0..<8 {
                        // Room or not: nobody who comes later passes by one that waits for it in front.
                        let waits =
                            model.limits[other]?.yields == true ? ready.contains(other) : wishing.contains(other)
                        model.passed[other] = other != taken && waits ? model.passed[other, default: 0] + 1 : 0
                        // With 8 endpoints, 7 others at the most have their turn first, and one in four of those that yield: three turns
                        // between any two of theirs.
                        let most = model.limits[other]?.yields == true ? 4 * 8 : 7 + 3
                        #expect(model.passed[other, default: 0] <= most, "\(other)")
                    }
                }
                #expect(turns.inFlight == model.inFlight.values.reduce(0) { $0 + $1.count })
                #expect(turns.weightInFlight == model.weightInFlight)
                #expect(turns.waiting == model.queues.values.reduce(0) { $0 + $1.count })
                #expect(turns.crowded == Set((0..<8).filter { model.queues[$0, default: []].count >= 3 }))
                // Somebody who waits for the time alone is announced, at the very time.
                let future = (0..<8).contains { endpoint in
                    !model.mayStart(endpoint, at: now) && model.mayStart(endpoint, at: now + .seconds(3_600))
                }
                if future {
                    let wake = turns.nextWake(at: now)
                    #expect(wake != nil)
                    if let wake, wake > now { #expect((0..<8).contains { model.mayStart($0, at: wake) }) }
                }
            }
        }
        #expect(turnsTaken > 5_000, "\(turnsTaken)")
        #expect(blocked > 100, "\(blocked)")
    }

    @Test func `a turn leaves a long queue where it is`() {
        var turns = Turns<Int, Int>(limits: .init(inFlight: 1), capacity: 1)
        for item in 0..<200_000 { turns.add(item, for: 0, at: .zero) }
        func takeTurn() -> Int? {
            guard let (endpoint, item) = turns.next(at: .zero) else { return nil }
            turns.finish(endpoint, again: item, at: .zero)
            return item
        }
        // The first one turns the queue round.
        #expect(takeTurn() == 0)
        let place = turns.place(ofQueueOf: 0)
        for _ in 0..<1_000 {
            #expect(takeTurn() == 0)
            // A copy, item by item, would lie elsewhere.
            #expect(turns.place(ofQueueOf: 0) == place)
        }
        #expect(turns.waiting == 200_000)
    }

    /// A step that goes through all endpoints would take several minutes; this takes seconds.
    @Test(.timeLimit(.minutes(2))) func `turns of 100,000 endpoints come to an end`() async throws {
        let endpoints = 100_000
        var turns = Turns<Int, Int>(
            limits: .init(inFlight: 1, rate: RateLimit(1_000, per: .seconds(1), burst: 1)), capacity: 64)
        for endpoint in 0..<endpoints {
            for item in 0..<3 { turns.add(item, for: endpoint, at: .zero) }
        }
        var now = Duration.zero
        var taken = 0
        // Two turns for each: for the second one they lie in the heap until their rate allows it.
        while taken < 2 * endpoints {
            if let turn = turns.next(at: now) {
                turns.finish(turn.endpoint, at: now)
                turns.add(0, for: turn.endpoint, at: now)
                taken += 1
                // Where the limit can end it.
                if taken.isMultiple(of: 1_000) { try Task.checkCancellation() }
            } else {
                now += .milliseconds(1)
            }
        }
        #expect(turns.waiting == 3 * endpoints)
    }
}

extension Turns {
    fileprivate func place(ofQueueOf endpoint: Endpoint) -> UnsafePointer<Item>? {
        lanes[endpoint]?.queue.front.withUnsafeBufferPointer { $0.baseAddress }
    }
}
