/// Whose turn it is: deliveries of many endpoints, handed out one at a time so that no endpoint waits for another's.
///
/// Endpoints that may start stand in a ring. The first one gives its oldest delivery and goes to the end of the ring, as
/// long as it has more and its limits allow; so each of k ready endpoints has a turn within k turns, however long the
/// others' queues are. Those that yield, since they fail, stand in a ring of their own, which has one turn in four while
/// there are others: a thousand of them that come due together keep nobody else waiting. One that is at its limit in flight stands nowhere until one of its deliveries is finished. One
/// that must wait (for its rate, or a pause) lies in a heap by the time of its return. Every call costs O(log n) in the
/// number of endpoints, spread over calls.
///
/// Times are of a monotonic clock, since an origin of the caller's; earlier than a time already given counts as that.
package struct Turns<Endpoint: Hashable & Sendable, Item: Sendable>: Sendable {
    package struct Limits: Hashable, Sendable {
        /// Deliveries of one endpoint at once, 1 or more.
        package var inFlight: Int
        package var rate: RateLimit?
        /// One at a time, and what failed stays in front of what came after it.
        package var isOrdered: Bool
        /// Has one turn in four while there are others that may start.
        package var yields: Bool
        /// Of one delivery: what it takes of the capacity that all endpoints share; 1 or more.
        package var weight: Int

        package init(
            inFlight: Int, rate: RateLimit? = nil, isOrdered: Bool = false, yields: Bool = false, weight: Int = 1
        ) {
            self.inFlight = inFlight
            self.rate = rate
            self.isOrdered = isOrdered
            self.yields = yields
            self.weight = max(weight, 1)
        }

        var effectiveInFlight: Int { isOrdered ? 1 : max(inFlight, 1) }
    }

    enum Place: Equatable {
        /// Nothing to give, or at the limit.
        case nowhere
        case inRing
        case asleep(until: Duration)
    }

    struct Lane {
        var limits: Limits
        var queue = FirstInFirstOut<Item>()
        var inFlight = 0
        var meter = RateMeter()
        var pausedUntil: Duration = .zero
        var place = Place.nowhere
        /// Entries of the ring and the heap with another number are of the past: they are passed over, not searched for.
        var visit: UInt64 = 0

        var weightInFlight: Int { inFlight * limits.weight }
    }

    struct Visit {
        var endpoint: Endpoint
        var number: UInt64
    }

    private(set) var lanes: [Endpoint: Lane] = [:]
    private var ring = FirstInFirstOut<Visit>()
    private var yielding = FirstInFirstOut<Visit>()
    /// Turns of the first ring since the last one of the other.
    private var turnsAhead = 0
    private var asleep = TimeHeap<Visit>()
    private var visits: UInt64 = 0
    private var now: Duration = .zero
    /// Endpoints with `crowd` deliveries waiting or more.
    package private(set) var crowded: Set<Endpoint> = []

    private static var turnsAheadAtMost: Int { 3 }
    /// Room that those which yield leave free: as many of them as there may be hang, and hold their room for as long as a timeout is.
    private var reserve: Int { capacity / 4 }

    package let defaultLimits: Limits
    /// The weight of all that may be under way together: what bounds the memory that it takes.
    package let capacity: Int
    package let crowd: Int
    package private(set) var inFlight = 0
    package private(set) var weightInFlight = 0
    package private(set) var waiting = 0

    /// - Parameters:
    ///   - limits: of endpoints that have none of their own.
    ///   - capacity: of all endpoints together, 1 or more. What weighs more goes when nothing else is under way.
    ///   - crowd: how many waiting deliveries make an endpoint `crowded`.
    package init(limits: Limits, capacity: Int, crowd: Int = .max) {
        defaultLimits = limits
        self.crowd = crowd
        self.capacity = max(capacity, 1)
    }

    package mutating func add(_ item: Item, for endpoint: Endpoint, at time: Duration) {
        now = max(now, time)
        lanes[endpoint, default: Lane(limits: defaultLimits)].queue.append(item)
        waiting += 1
        count(endpoint)
        settle(endpoint)
    }

    /// The next delivery to start. Nil when nobody may start one now: `nextWake` says when that may change by itself.
    ///
    /// - Parameter skippingYielding: endpoints that yield have no turn at all, and keep their places.
    package mutating func next(
        at time: Duration, skippingYielding: Bool = false
    ) -> (endpoint: Endpoint, item: Item)? {
        now = max(now, time)
        wake()
        var skipsYielding = skippingYielding || weightInFlight >= capacity - reserve
        while weightInFlight < capacity, let visit = popFirst(skipsYielding) {
            guard isCurrent(visit, at: .inRing), let limits = lanes[visit.endpoint]?.limits else { continue }
            if !hasRoom(for: limits), lanes[visit.endpoint]?.mayStart(at: now) == true {
                guard limits.yields else {
                    ring.prepend(visit)
                    return nil
                }
                yielding.prepend(visit)
                skipsYielding = true
                continue
            }
            // In place: a copy of the lane would make its queue be copied, item by item.
            let item = lanes[visit.endpoint]?.leaveRing(at: now)
            settle(visit.endpoint)
            guard let item else { continue }
            turnsAhead = limits.yields ? 0 : turnsAhead + 1
            inFlight += 1
            weightInFlight += limits.weight
            waiting -= 1
            count(visit.endpoint)
            return (visit.endpoint, item)
        }
        return nil
    }

    /// A delivery that `next` gave is over.
    ///
    /// - Parameter again: of an ordered endpoint, what is to be tried again before all else; pause the endpoint for as
    ///   long as that has to wait. Of others, it is added anew when its time comes.
    package mutating func finish(_ endpoint: Endpoint, again: Item? = nil, at time: Duration) {
        now = max(now, time)
        guard counts(of: endpoint).inFlight > 0 else { return }
        lanes[endpoint]?.inFlight -= 1
        inFlight -= 1
        weightInFlight -= lanes[endpoint]?.limits.weight ?? 0
        if let again {
            lanes[endpoint]?.queue.prepend(again)
            waiting += 1
            count(endpoint)
        }
        settle(endpoint)
    }

    /// Nothing of the endpoint starts before that time: for a breaker, a throttling response, an ordered retry. A later
    /// call replaces an earlier one; a time that has passed ends the pause.
    package mutating func pause(_ endpoint: Endpoint, until: Duration, at time: Duration) {
        now = max(now, time)
        lanes[endpoint, default: Lane(limits: defaultLimits)].pausedUntil = until
        resettle(endpoint)
    }

    /// What is under way counts with the new weight from now on, even where that is more than there was room for: nothing starts then until there is.
    ///
    /// - Parameter limits: nil for the default ones.
    package mutating func setLimits(_ limits: Limits?, for endpoint: Endpoint, at time: Duration) {
        now = max(now, time)
        let limits = limits ?? defaultLimits
        let former = lanes[endpoint, default: Lane(limits: defaultLimits)].limits
        guard limits != former || lanes[endpoint] == nil else { return }
        let formerWeight = lanes[endpoint]?.weightInFlight ?? 0
        lanes[endpoint, default: Lane(limits: limits)].limits = limits
        weightInFlight += (lanes[endpoint]?.weightInFlight ?? 0) - formerWeight
        // The other ring is another place.
        if limits.yields != former.yields { lanes[endpoint]?.place = .nowhere }
        resettle(endpoint)
    }

    /// Takes out what waits for an endpoint, as when it was deleted or disabled. What is under way is still to be finished.
    package mutating func removeWaiting(of endpoint: Endpoint) -> [Item] {
        lanes[endpoint]?.place = .nowhere
        let items = lanes[endpoint]?.queue.removeAll() ?? []
        waiting -= items.count
        crowded.remove(endpoint)
        return items
    }

    /// When an endpoint may come to its turn by the time alone, which is at once where one's time has come since it was last asked; nil when none will.
    ///
    /// Each is told of once: with the capacity taken, `next` would not wake it, and its time stay in the past.
    package mutating func nextWake(at time: Duration) -> Duration? {
        now = max(now, time)
        let slept = asleep.count
        wake()
        if asleep.count < slept { return now }
        while let first = asleep.first {
            if isCurrent(first.value, at: .asleep(until: first.time)) { return first.time }
            asleep.removeFirst()
        }
        return nil
    }

    /// Forgets endpoints that have nothing waiting or under way, no pause, no limits of their own, and their full rate.
    /// O(n); for now and then, so that endpoints which come and go leave nothing behind.
    package mutating func forgetIdle(at time: Duration) {
        now = max(now, time)
        lanes = lanes.filter { [now, defaultLimits] _, lane in
            !lane.queue.isEmpty || lane.inFlight > 0 || lane.pausedUntil > now || lane.meter.full > now
                || lane.limits != defaultLimits
        }
    }

    /// Of one endpoint.
    package func counts(of endpoint: Endpoint) -> (waiting: Int, inFlight: Int) {
        lanes[endpoint].map { ($0.queue.count, $0.inFlight) } ?? (0, 0)
    }

    /// As `setLimits` has said.
    package func isOrdered(_ endpoint: Endpoint) -> Bool { lanes[endpoint]?.limits.isOrdered ?? false }

    /// What has its turn next of those that wait for one endpoint.
    package func next(of endpoint: Endpoint) -> Item? { lanes[endpoint]?.queue.first }

    package var endpointCount: Int { lanes.count }

    /// Whether there may be one that yields and waits for its turn.
    package var isYielderWaiting: Bool { !yielding.isEmpty }

    /// Of rings and heap, those of the past among them.
    var entryCount: Int { ring.count + yielding.count + asleep.count }
}

extension Turns {
    private func isCurrent(_ visit: Visit, at place: Place) -> Bool {
        lanes[visit.endpoint].map { $0.visit == visit.number && $0.place == place } ?? false
    }

    private func hasRoom(for limits: Limits) -> Bool {
        weightInFlight == 0 || weightInFlight + limits.weight <= capacity - (limits.yields ? reserve : 0)
    }

    private mutating func popFirst(_ skippingYielding: Bool) -> Visit? {
        if skippingYielding { return ring.popFirst() }
        let isTheirTurn = ring.isEmpty || turnsAhead >= Self.turnsAheadAtMost
        return isTheirTurn ? yielding.popFirst() ?? ring.popFirst() : ring.popFirst()
    }

    private mutating func count(_ endpoint: Endpoint) {
        if lanes[endpoint].map({ $0.queue.count >= crowd }) == true {
            crowded.insert(endpoint)
        } else if !crowded.isEmpty {
            crowded.remove(endpoint)
        }
    }

    /// Brings the endpoints whose time has come into the ring, the earliest first.
    private mutating func wake() {
        while let first = asleep.first, first.time <= now {
            asleep.removeFirst()
            guard isCurrent(first.value, at: .asleep(until: first.time)) else { continue }
            lanes[first.value.endpoint]?.place = .nowhere
            settle(first.value.endpoint)
        }
    }

    /// As `settle`, for an endpoint whose conditions changed where it stands. One that sleeps may have to rise earlier, or
    /// later; one in the ring that must wait now gives up its place there, or `nextWake` would not know of it.
    private mutating func resettle(_ endpoint: Endpoint) {
        guard let lane = lanes[endpoint] else { return }
        if lane.place != .inRing || lane.nextStart > now { lanes[endpoint]?.place = .nowhere }
        settle(endpoint)
    }

    /// Puts an endpoint that stands nowhere where it belongs.
    private mutating func settle(_ endpoint: Endpoint) {
        guard var lane = lanes[endpoint], lane.place == .nowhere, !lane.queue.isEmpty,
            lane.inFlight < lane.limits.effectiveInFlight
        else { return }
        visits += 1
        lane.visit = visits
        let visit = Visit(endpoint: endpoint, number: visits)
        let start = lane.nextStart
        if start <= now {
            lane.place = .inRing
            if lane.limits.yields { yielding.append(visit) } else { ring.append(visit) }
        } else {
            lane.place = .asleep(until: start)
            asleep.insert(visit, at: start)
        }
        lanes[endpoint] = lane
        if entryCount > 2 * lanes.count + 64 { dropPassed() }
    }

    /// At least half of the entries are of the past then, so each has paid for its removal when it came.
    private mutating func dropPassed() {
        for visit in ring.removeAll() where isCurrent(visit, at: .inRing) { ring.append(visit) }
        for visit in yielding.removeAll() where isCurrent(visit, at: .inRing) { yielding.append(visit) }
        asleep.removeAll { [lanes] entry in
            lanes[entry.value.endpoint].map { $0.visit == entry.value.number } != true
        }
    }
}

extension Turns.Lane {
    var nextStart: Duration {
        max(pausedUntil, limits.rate.map { meter.nextStart(under: $0) } ?? .zero)
    }

    func mayStart(at now: Duration) -> Bool {
        inFlight < limits.effectiveInFlight && nextStart <= now && !queue.isEmpty
    }

    /// Nil where a limit or a pause has come while it stood in the ring.
    mutating func leaveRing(at now: Duration) -> Item? {
        place = .nowhere
        guard mayStart(at: now), let item = queue.popFirst() else { return nil }
        inFlight += 1
        if let rate = limits.rate { meter.start(at: now, under: rate) }
        return item
    }
}
