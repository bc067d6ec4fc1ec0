import Foundation
import Logging
import Scheduling
import Storage
import WebhookClient
import Webhooks

/// The state of delivering: what is claimed and waits for its turn, how each endpoint is doing, and what is still to be written.
///
/// Three loops share it. One writes: it fans new events out, writes down what arrived and claims what is due, all in one transaction a round. One writes
/// at leisure what can wait: what failed, how endpoints stand, and claims for those that fail. The third sends: it takes turns, reads what is to be
/// sent, and starts attempts. None waits for another, so that a writer that rests for the gateway's sake keeps no claimed delivery from going.
actor Dispatcher {
    struct Parts: Sendable {
        var settings: @Sendable () -> WebhookSettings
        var now: @Sendable () -> Instant
        var monotonic: @Sendable () -> Duration
        /// 0 to 1.
        var jitter: @Sendable () -> Double = { .random(in: 0...1) }
        var logger: Logger
        /// The weight of what may be under way together; see `AttemptWeight`.
        var capacity: Int
    }

    let parts: Parts
    private(set) var turns: Turns<String, ClaimedDelivery>
    private var lanes: [String: EndpointLane] = [:]
    private var agenda = Agenda()
    /// Endpoints that `heldUntil` holds, or did and that have claimed nothing since.
    private var held: Set<String> = []
    private var unwritten = Unwritten()
    private var changes = UnwrittenChanges()
    private var log: WebhookLog
    private var revision: Int64 = 0

    /// Deliveries of one endpoint that are claimed and wait: enough for the next turns at any rate that its answers allow.
    static let claimedAhead = 64
    /// Of all endpoints together, 100 bytes each. Each may still have a few beyond it.
    static let mostClaimed = 8_192
    static let fewAhead = 8
    /// So many that wait make an endpoint get less than others of what is fanned out.
    private static let crowd = claimedAhead / 2
    /// Outcomes that wait to be written above which no attempt is started: what a crash would have repeated. For endpoints that fail, those alone that are
    /// written at leisure.
    static let mostUnwritten = 4_096
    /// Whether an attempt was not started for what waits to be written.
    private var isHeldBack = false
    /// Endpoints that fail have so many starts in so long a time, 250 a second, each until its first success. A thousand that had hung together would else
    /// take a processor for most of a second when they end together; and after an outage of our own their retries are a storm less.
    private static let failingStarts = (count: 10, each: Duration.milliseconds(40))
    private var failingStartsFrom = Duration.zero
    private static let tidiesEvery = Duration.seconds(5)
    private var tidiedAt = Duration.zero

    init(_ parts: Parts) {
        self.parts = parts
        log = WebhookLog(parts.logger)
        // Of an endpoint that nothing is known of yet.
        let limits = EndpointLane().limits(parts.settings().endpointInFlight)
        turns = Turns(limits: limits, capacity: parts.capacity, crowd: Self.crowd)
    }

    private var time: Duration { parts.monotonic() }

    // MARK: Writing

    func open(_ opening: Outbox.Opening) {
        revision = opening.revision
        for (endpoint, due) in opening.due { update(endpoint) { $0.queue(at: due) } }
    }

    /// Every change of when something can be claimed goes through here.
    private func update(_ endpoint: String, _ change: (inout EndpointLane) -> Void) {
        var lane = lanes[endpoint] ?? EndpointLane()
        change(&lane)
        lanes[endpoint] = lane
        agenda.set(endpoint, to: lane.claimableAt)
        if lane.heldUntil != nil { held.insert(endpoint) } else if !held.isEmpty { held.remove(endpoint) }
    }

    /// What there is to write at once; nil when there is nothing. To be taken in by `absorb`, or by `giveUp` where it failed.
    func work(hasEvents: Bool, isStopping: Bool) -> Outbox.Work? {
        var work = Outbox.Work()
        work.outcomes = unwritten.prompt
        work.revision = revision
        work.changes = changes.all(atLeisure: false)
        if !isStopping {
            let now = parts.now()
            agenda.turn(to: now)
            if hasEvents { work.fanOut = plan() }
            work.wanted = wanted(now, failing: false)
        }
        let isEmpty = work.outcomes.isEmpty && work.changes.isEmpty && work.fanOut == nil && work.wanted.isEmpty
        return isEmpty ? nil : work
    }

    /// What there is to write at leisure; as `work`.
    func leisurelyWork() -> Outbox.Work? {
        var work = Outbox.Work()
        work.isAtLeisure = true
        unwritten.sortLeisurely()
        work.outcomes = unwritten.leisurely
        work.changes = changes.all(atLeisure: true)
        work.revision = revision
        let now = parts.now()
        agenda.turn(to: now)
        work.wanted = wanted(now, failing: true)
        let isEmpty = work.outcomes.isEmpty && work.changes.isEmpty && work.wanted.isEmpty
        return isEmpty ? nil : work
    }

    private func plan() -> FanOutPlan {
        let settings = parts.settings()
        var plan = FanOutPlan(
            operators: settings.operators, allowsHTTP: settings.allowsHTTP,
            room: max(0, Self.mostClaimed - turns.waiting), ordinaryRoom: Self.claimedAhead - Self.crowd)
        for endpoint in turns.crowded {
            plan.endpointRoom[endpoint] = max(0, Self.claimedAhead - turns.counts(of: endpoint).waiting)
        }
        // What was queued earlier goes first.
        for endpoint in agenda.due { plan.endpointRoom[endpoint] = 0 }
        for endpoint in held { plan.endpointRoom[endpoint] = 0 }
        return plan
    }

    private func wanted(_ now: Instant, failing: Bool) -> [(endpoint: String, count: Int)] {
        guard !agenda.due.isEmpty else { return [] }
        let most = turns.waiting >= Self.mostClaimed ? Self.fewAhead : Self.claimedAhead
        var wanted: [(endpoint: String, count: Int, due: Instant)] = []
        for endpoint in agenda.due {
            guard let lane = lanes[endpoint], let due = lane.claimableAt, due <= now, !lane.isBeingClaimed,
                lane.isFailing == failing
            else { continue }
            let waiting = turns.counts(of: endpoint).waiting
            if waiting * 2 <= most { wanted.append((endpoint, most - waiting, due)) }
        }
        for (endpoint, _, _) in wanted { lanes[endpoint]?.beginClaim() }
        return wanted.sorted { ($0.due, $0.endpoint) < ($1.due, $1.endpoint) }.map { ($0.endpoint, $0.count) }
    }

    /// When something comes due that was not due yet.
    func nextDue() -> Instant? { agenda.next() }

    /// A write has failed: what it was to do is still to be done.
    func giveUp(_ work: Outbox.Work) {
        for (endpoint, _) in work.wanted { lanes[endpoint]?.breakOffClaim() }
    }

    /// Takes in what a write has done.
    ///
    /// - Returns: whether there is something new to send, and whether there is something to claim at leisure.
    func absorb(_ done: Outbox.Done, of work: Outbox.Work) -> (isNew: Bool, isForLeisure: Bool) {
        var isForLeisure = false
        var isNew = isHeldBack && done.outcomes > 0
        for outcome in unwritten.removeFirst(done.outcomes, atLeisure: work.isAtLeisure) {
            switch outcome.settlement {
            case .retry(let at): update(outcome.delivery.endpoint) { $0.queue(at: at) }
            case .dead(let reason): log.note(dead: reason)
            case .delivered, .keep: break
            }
        }
        for (reason, count) in done.fanOut?.dead ?? [:] { log.note(dead: reason, count) }
        if done.lost > 0 { log.tooLate(done.lost) }
        for change in work.changes.prefix(done.changes) {
            if change.notice != nil { changes.removeNotice(atLeisure: work.isAtLeisure) }
            // Else `takeIn` has forgotten it.
            guard work.revision == revision else { continue }
            changes.remove(change)
            // Else it was not applied, and `takeIn` comes.
            if done.revision == revision { lanes[change.endpoint]?.written = change.record }
        }
        func add(_ delivery: ClaimedDelivery) {
            isNew = true
            turns.add(delivery, for: delivery.endpoint, at: time)
        }
        let now = parts.now()
        for delivery in done.fanOut?.claimed ?? [] { add(delivery) }
        for endpoint in done.fanOut?.queued ?? [] {
            update(endpoint) { $0.queue(at: now) }
            if lanes[endpoint]?.isFailing == true { isForLeisure = true }
        }
        for (endpoint, deliveries, next) in done.claimed {
            update(endpoint) { lane in
                lane.endClaim(next: next)
                if lane.heldUntil != nil { lane.forget() }
                lane.heldUntil = nil
            }
            for delivery in deliveries { add(delivery) }
        }
        // Time was up.
        for (endpoint, _) in work.wanted.dropFirst(done.claimed.count) { lanes[endpoint]?.breakOffClaim() }
        return (isNew, isForLeisure)
    }

    /// A command has changed something: what is known of endpoints is read again.
    ///
    /// - Returns: whether it has.
    func isNew(_ revision: Int64) -> Bool { revision != self.revision }

    func takeIn(_ revision: Int64, due: [(endpoint: String, at: Instant)]) {
        self.revision = revision
        for endpoint in Array(lanes.keys) {
            update(endpoint) { lane in
                lane.forget()
                lane.heldUntil = nil
            }
            turns.pause(endpoint, until: .zero, at: time)
        }
        changes.forgetStates()
        // What is queued no longer stays in the agenda: a claim finds out, and what was queued since `due` was read is not forgotten.
        for (endpoint, instant) in due { update(endpoint) { $0.queue(at: instant) } }
    }

    // MARK: Sending

    /// The next deliveries that may go, and nothing when none may.
    func take(_ most: Int) -> [ClaimedDelivery] {
        let isFull = unwritten.prompt.count >= Self.mostUnwritten
        let isLeisureFull =
            unwritten.leisurely.count >= Self.mostUnwritten || unwritten.leisurelyPlaces > parts.capacity / 4
        let room = parts.capacity - unwritten.places
        isHeldBack = isFull || isLeisureFull || room < parts.capacity && turns.weightInFlight >= room
        guard !isFull else { return [] }
        let isBehind = isLeisureFull || time < failingStartsFrom
        var failing = 0
        var taken: [ClaimedDelivery] = []
        while taken.count < most, turns.weightInFlight < room,
            let (endpoint, delivery) = turns.next(
                at: time, skippingYielding: isBehind || failing >= Self.failingStarts.count)
        {
            if lanes[endpoint]?.isFailing == true { failing += 1 }
            taken.append(delivery)
        }
        if failing >= Self.failingStarts.count { failingStartsFrom = time + Self.failingStarts.each }
        return taken
    }

    /// Gives back what `take` gave and nothing was begun of.
    func putBack(_ taken: [ClaimedDelivery]) {
        for delivery in taken.reversed() { turns.finish(delivery.endpoint, again: delivery, at: time) }
    }

    /// On the monotonic clock.
    func nextTurn() -> Duration? {
        let wake = turns.nextWake(at: time)
        guard turns.isYielderWaiting, failingStartsFrom > time else { return wake }
        return min(wake ?? failingStartsFrom, failingStartsFrom)
    }

    /// Decides about a delivery that `take` gave, from what was read of it.
    ///
    /// - Returns: what to send; nil where nothing is sent now, which has been seen to.
    func begin(_ delivery: ClaimedDelivery, _ load: OutboxLoad) -> PreparedDelivery.Prepared? {
        let endpoint = delivery.endpoint
        let (settings, now) = (parts.settings(), parts.now())
        guard load.revision >= revision else {
            // Read before a command of which the loops that write have heard.
            turns.finish(endpoint, again: delivery, at: time)
            return nil
        }
        let found = load.endpoints[endpoint]
        var lane = lanes[endpoint] ?? EndpointLane()
        let wasOrdered = turns.isOrdered(endpoint)
        if lane.record == nil { lane.read(found?.record, at: now) }
        var record = lane.record ?? EndpointRecord()
        var notice: EndpointChange.Notice?
        if let found, let url = found.url, record.takeIn(url: url, secret: found.secret) {
            notice = record.isURLChanged ? .urlChanged : nil
            if record.isURLChanged { log.urlChanged(endpoint) }
            changes.note(EndpointChange(endpoint, record, notice), isPrompt: true)
        }
        // Commands make them; those of a url that this one has replaced sign nothing.
        if let stored = found?.record, stored.urlDigest == record.urlDigest { record.former = stored.former }
        let terms = PreparedDelivery.Terms(
            allowsHTTP: settings.allowsHTTP, timeout: settings.timeout, source: "/tallyd", origin: settings.origin)
        let decision = PreparedDelivery(load.messages[delivery.id], found, record, terms, now: now)
        if case .send(let prepared) = decision { lane.isOverTLS = prepared.request.url.scheme == .https }
        lane.record = record
        lanes[endpoint] = lane
        turns.setLimits(lane.limits(settings.endpointInFlight), for: endpoint, at: time)
        if record.isOrdered, !wasOrdered || isOutOfOrder(delivery) {
            putInOrder(endpoint, with: delivery)
            return nil
        }
        switch decision {
        case .dead(let reason):
            settle(delivery, nil, .dead(reason: reason))
            return nil
        case .hold:
            hold(endpoint, delivery, until: Instant(milliseconds: now.milliseconds + 60_000))
            return nil
        case .send(let prepared): return admit(delivery, prepared, record, now)
        }
    }

    /// Whether others are under way or come first: of what was taken before the order was known.
    private func isOutOfOrder(_ delivery: ClaimedDelivery) -> Bool {
        turns.counts(of: delivery.endpoint).inFlight > 1
            || turns.next(of: delivery.endpoint).map { $0.id < delivery.id } ?? false
    }

    /// What was claimed without an order goes in one from here on, each after what is under way now.
    private func putInOrder(_ endpoint: String, with taken: ClaimedDelivery) {
        let waiting = turns.removeWaiting(of: endpoint)
        turns.finish(endpoint, at: time)
        for delivery in (waiting + [taken]).sorted(by: { $0.id < $1.id }) {
            turns.add(delivery, for: endpoint, at: time)
        }
    }

    private func admit(
        _ delivery: ClaimedDelivery, _ prepared: PreparedDelivery.Prepared, _ record: EndpointRecord, _ now: Instant
    ) -> PreparedDelivery.Prepared? {
        let endpoint = delivery.endpoint
        var admission = record.health.admission(at: now)
        // Else its turns were paused, by a clock that nobody sets; and a wall clock that was ahead must not make a wait longer than one can be.
        let isJustRead = lanes[endpoint]?.isJustRead ?? false
        lanes[endpoint]?.isJustRead = false
        if isJustRead, record.isOrdered, admission == .send, let until = record.waitsUntil, until > now,
            .milliseconds(until.milliseconds - now.milliseconds) <= parts.settings().retries.longestWait
        {
            admission = .wait(until: until)
        }
        switch admission {
        case .send, .probe:
            lanes[endpoint]?.record?.health.begin()
            return prepared
        case .wait(let until):
            turns.finish(endpoint, again: delivery, at: time)
            turns.pause(endpoint, until: time + .milliseconds(until.milliseconds - now.milliseconds), at: time)
        case .waitForOutcome:
            turns.finish(endpoint, again: delivery, at: time)
            // Its outcome ends the pause.
            turns.pause(endpoint, until: time + .seconds(3_600), at: time)
        case .never(let cause):
            settle(delivery, nil, .dead(reason: cause == .gone ? "endpoint_gone" : "endpoint_disabled"))
        }
        return nil
    }

    /// Whether the receiver is still to be asked.
    func needsConsent(_ endpoint: String) -> Bool {
        guard let lane = lanes[endpoint] else { return true }
        return lane.consentedTo == nil || lane.consentedTo != lane.record?.urlDigest
    }

    func consented(_ endpoint: String, perMinute: Int?) {
        let digest = lanes[endpoint]?.record?.urlDigest
        lanes[endpoint]?.consentedTo = digest
        lanes[endpoint]?.agreedRate = perMinute.map { Double($0) / 60 }
    }

    /// Whether there is something for the loops that write.
    var pending: (atOnce: Bool, atLeisure: Bool) {
        (
            !unwritten.prompt.isEmpty || !changes.isEmpty(atLeisure: false) || !agenda.due.isEmpty,
            !unwritten.leisurely.isEmpty || !changes.isEmpty(atLeisure: true)
        )
    }

    /// Takes in how attempts ended.
    func finish(_ landings: [Flights.Landing]) {
        for landing in landings { finish(landing.delivery, landing.verdict) }
    }

    func finish(_ delivery: ClaimedDelivery, _ verdict: AttemptVerdict) {
        let endpoint = delivery.endpoint
        let (settings, now) = (parts.settings(), parts.now())
        let jitter = parts.jitter()
        // Where a command may have changed the endpoint meanwhile, the attempt says nothing of how it stands now.
        let known = lanes[endpoint]?.record
        var record = known ?? EndpointRecord()
        if known == nil { record.isOrdered = lanes[endpoint]?.wasOrdered ?? false }
        var found: [EndpointHealth.Change] = []
        if known != nil {
            found = record.health.record(verdict.outcome, at: now, policy: settings.health, jitter: jitter)
        }
        let (settlement, wait) = verdict.settlement(
            of: delivery, record, settings.retries, jitter: parts.jitter(), now: now)
        if known != nil {
            record.waitsUntil = settlement == .keep ? now.advanced(by: wait) : nil
            lanes[endpoint]?.record = record
        }
        if verdict.outcome == .delivered {
            lanes[endpoint]?.widen(to: record.maxInFlight ?? settings.endpointInFlight)
        } else if verdict.outcome != .abandoned {
            lanes[endpoint]?.narrow()
        }
        if let lane = lanes[endpoint] {
            turns.setLimits(lane.limits(settings.endpointInFlight), for: endpoint, at: time)
        }
        turns.pause(endpoint, until: .zero, at: time)
        if settlement == .keep {
            var again = delivery
            again.retry += 1
            again.attempt += 1
            unwritten.append(DeliveryOutcome(delivery, verdict.record, .keep))
            turns.finish(endpoint, again: again, at: time)
            turns.pause(endpoint, until: time + wait, at: time)
        } else {
            settle(delivery, verdict.record, settlement)
        }
        tell(found, endpoint, record)
        if known != nil, record != lanes[endpoint]?.written { note(endpoint, record, nil) }
    }

    /// Puts down what is to become of a delivery, and lets the next one have its place.
    private func settle(
        _ delivery: ClaimedDelivery, _ attempt: AttemptRecord?, _ settlement: DeliveryOutcome.Settlement
    ) {
        unwritten.append(DeliveryOutcome(delivery, attempt, settlement))
        turns.finish(delivery.endpoint, at: time)
    }

    /// Gives back what waits for an endpoint, without an attempt.
    private func release(_ endpoint: String, at instant: Instant) {
        for delivery in turns.removeWaiting(of: endpoint) {
            unwritten.append(DeliveryOutcome(delivery, nil, .retry(at: instant)))
        }
    }

    private func hold(_ endpoint: String, _ delivery: ClaimedDelivery, until instant: Instant) {
        settle(delivery, nil, .retry(at: parts.now()))
        release(endpoint, at: parts.now())
        update(endpoint) { $0.heldUntil = instant }
    }

    private func tell(_ found: [EndpointHealth.Change], _ endpoint: String, _ record: EndpointRecord) {
        for change in found {
            switch change {
            case .disabled(let cause):
                log.disabled(endpoint, cause)
                note(endpoint, record, .disabled(cause))
                if case .disabled(_, _, let probe?) = record.health.standing { release(endpoint, at: probe) }
            case .enabled:
                log.enabled(endpoint)
                note(endpoint, record, .enabled)
                if lanes[endpoint]?.due != nil { update(endpoint) { $0.queue(at: parts.now()) } }
            case .breakerOpened(let until): log.held(endpoint, until: until)
            case .breakerClosed: log.answersAgain(endpoint)
            }
        }
    }

    private func note(_ endpoint: String, _ record: EndpointRecord, _ notice: EndpointChange.Notice?) {
        changes.note(EndpointChange(endpoint, record, notice), isPrompt: false)
    }

    // MARK: Ending

    /// Gives back all that waits, so that a successor has it at once. To be called when nothing is being written, at leisure or otherwise; from then on
    /// nothing is written at leisure.
    func releaseAll() {
        let now = parts.now()
        unwritten.hurry()
        changes.hurry()
        for endpoint in lanes.keys { release(endpoint, at: now) }
    }

    /// For now and then; most calls return at once.
    func tidy() {
        guard time - tidiedAt >= Self.tidiesEvery else { return }
        tidiedAt = time
        log.deadLetters(at: time)
        turns.forgetIdle(at: time)
        lanes = lanes.filter { endpoint, lane in
            let counts = turns.counts(of: endpoint)
            return lane.due != nil || counts.waiting + counts.inFlight > 0 || lane.heldUntil != nil
                || lane.isBeingClaimed
                || lane.record?.health != EndpointHealth() || changes.has(endpoint)
        }
    }

    /// All is written, or nothing more will be.
    func close() { log.deadLetters(at: time, isLast: true) }

    var counts: (waiting: Int, inFlight: Int, unwritten: Int) { (turns.waiting, turns.inFlight, unwritten.count) }
}
