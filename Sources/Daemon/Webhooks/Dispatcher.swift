import Foundation
import Logging
import Scheduling
import Storage
import WebhookClient
import Webhooks

/// The state of delivering: what is claimed and waits for its turn, how each endpoint is doing, and what is still to be written.
///
/// Two loops share it. One writes: it fans new events out, writes outcomes down and claims what is due, all in one transaction a round. The other
/// sends: it takes turns, reads what is to be sent, and starts attempts. Neither waits for the other, so that a writer that rests for the gateway's
/// sake keeps no claimed delivery from going.
actor Dispatcher {
    struct Parts: Sendable {
        var settings: @Sendable () -> WebhookSettings
        var now: @Sendable () -> Instant
        var monotonic: @Sendable () -> Duration
        /// 0 to 1.
        var jitter: @Sendable () -> Double = { .random(in: 0...1) }
        var logger: Logger
    }

    let parts: Parts
    private(set) var turns: Turns<String, ClaimedDelivery>
    private(set) var lanes: [String: EndpointLane] = [:]
    private var outcomes: [DeliveryOutcome] = []
    private var changes: [String: EndpointChange] = [:]
    private var notices: [EndpointChange] = []
    private var revision: Int64 = 0

    /// Deliveries of one endpoint that are claimed and wait: enough for the next turns at any rate that its answers allow.
    static let claimedAhead = 64
    /// Of all endpoints together, 100 bytes each. Each may still have a few beyond it.
    static let mostClaimed = 8_192
    static let fewAhead = 8
    /// Outcomes that wait to be written above which no attempt is started: what a crash would have repeated.
    static let mostUnwritten = 4_096

    init(_ parts: Parts) {
        self.parts = parts
        let settings = parts.settings()
        turns = Turns(limits: .init(inFlight: 1), mostInFlight: settings.inFlight)
    }

    private var time: Duration { parts.monotonic() }

    // MARK: Writing

    func open(_ opening: Outbox.Opening) {
        revision = opening.revision
        for (endpoint, due) in opening.due { lanes[endpoint, default: EndpointLane()].due = due }
    }

    /// What there is to write; nil when there is nothing.
    func work(hasEvents: Bool, isStopping: Bool) -> Outbox.Work? {
        var work = Outbox.Work()
        let now = parts.now()
        work.outcomes = outcomes
        work.changes = notices + changes.values.sorted { $0.endpoint < $1.endpoint }
        work.revision = revision
        if !isStopping {
            if hasEvents { work.fanOut = plan(now) }
            work.wanted = wanted(now)
        }
        let isEmpty =
            work.outcomes.isEmpty && work.changes.isEmpty && work.fanOut == nil && work.wanted.isEmpty
        return isEmpty ? nil : work
    }

    private func plan(_ now: Instant) -> FanOutPlan {
        let settings = parts.settings()
        var plan = FanOutPlan(
            operators: settings.operators, allowsHTTP: settings.allowsHTTP,
            room: max(0, Self.mostClaimed - turns.waiting), ordinaryRoom: Self.claimedAhead)
        for (endpoint, lane) in lanes {
            // What was queued earlier goes first.
            let isBehind = lane.due.map { $0 <= now } ?? false
            let isClosed = isBehind || lane.heldUntil != nil
            plan.endpointRoom[endpoint] = isClosed ? 0 : max(0, Self.claimedAhead - turns.counts(of: endpoint).waiting)
        }
        return plan
    }

    private func wanted(_ now: Instant) -> [(endpoint: String, count: Int)] {
        let isFull = turns.waiting >= Self.mostClaimed
        return lanes.compactMap { endpoint, lane -> (String, Int)? in
            guard let due = lane.due, due <= now, lane.heldUntil.map({ $0 <= now }) ?? true else { return nil }
            let waiting = turns.counts(of: endpoint).waiting
            let most = isFull ? Self.fewAhead : Self.claimedAhead
            return waiting * 2 <= most ? (endpoint, most - waiting) : nil
        }.sorted { lanes[$0.0]?.due ?? now < lanes[$1.0]?.due ?? now }
    }

    /// When there may be something to claim by the time alone.
    var nextDue: Instant? {
        lanes.compactMap { endpoint, lane -> Instant? in
            guard let due = lane.due, turns.counts(of: endpoint).waiting * 2 <= Self.claimedAhead else { return nil }
            return max(due, lane.heldUntil ?? due)
        }.min()
    }

    /// Takes in what a write has done.
    ///
    /// - Returns: whether there is something new to send.
    func absorb(_ done: Outbox.Done, of work: Outbox.Work) -> Bool {
        outcomes.removeFirst(done.outcomes)
        if done.lost > 0 {
            parts.logger.warning(
                "outcomes of webhooks came too late", metadata: ["count": "\(done.lost)"])
        }
        for change in work.changes.prefix(done.changes) {
            if change.notice != nil { notices.removeFirst() }
            if changes[change.endpoint]?.record == change.record { changes[change.endpoint] = nil }
            lanes[change.endpoint]?.written = change.record
        }
        var isNew = false
        func add(_ delivery: ClaimedDelivery) {
            isNew = true
            turns.add(delivery, for: delivery.endpoint, at: time)
        }
        for delivery in done.fanOut?.claimed ?? [] {
            lanes[delivery.endpoint, default: EndpointLane()].heldUntil = nil
            add(delivery)
        }
        for endpoint in done.fanOut?.queued ?? [] {
            let now = parts.now()
            lanes[endpoint, default: EndpointLane()].queue(at: now)
        }
        for (endpoint, deliveries, next) in done.claimed {
            lanes[endpoint]?.due = next
            lanes[endpoint]?.heldUntil = nil
            for delivery in deliveries { add(delivery) }
        }
        return isNew
    }

    /// A command has changed something: what is known of endpoints is read again.
    ///
    /// - Returns: whether it has.
    func isNew(_ revision: Int64) -> Bool { revision != self.revision }

    func takeIn(_ revision: Int64, due: [(endpoint: String, at: Instant)]) {
        self.revision = revision
        for endpoint in lanes.keys {
            lanes[endpoint]?.record = nil
            lanes[endpoint]?.written = nil
            lanes[endpoint]?.heldUntil = nil
            lanes[endpoint]?.due = nil
            turns.pause(endpoint, until: .zero, at: time)
        }
        changes = [:]
        for (endpoint, instant) in due { lanes[endpoint, default: EndpointLane()].due = instant }
    }

    // MARK: Sending

    /// The next deliveries that may go, and nothing when none may.
    func take(_ most: Int) -> [ClaimedDelivery] {
        guard outcomes.count < Self.mostUnwritten else { return [] }
        var taken: [ClaimedDelivery] = []
        while taken.count < most, let (_, delivery) = turns.next(at: time) { taken.append(delivery) }
        return taken
    }

    /// On the monotonic clock.
    func nextTurn() -> Duration? { turns.nextWake() }

    /// Decides about a delivery that `take` gave, from what was read of it.
    ///
    /// - Returns: what to send; nil where nothing is sent now, which has been seen to.
    func begin(_ delivery: ClaimedDelivery, _ load: OutboxLoad) -> PreparedDelivery.Prepared? {
        let endpoint = delivery.endpoint
        let (settings, now) = (parts.settings(), parts.now())
        let found = load.endpoints[endpoint]
        var lane = lanes[endpoint] ?? EndpointLane()
        if lane.record == nil {
            var record = found?.record ?? EndpointRecord()
            record.health.resume(at: now)
            lane.written = found?.record
            lane.record = record
        }
        var record = lane.record ?? EndpointRecord()
        var notice: EndpointChange.Notice?
        if let found, let url = found.url, record.takeIn(url: url, secret: found.secret) {
            notice = record.isURLChanged ? .urlChanged : nil
            note(endpoint, record, notice)
        }
        if let stored = found?.record { record.former = stored.former }
        lane.record = record
        lanes[endpoint] = lane
        turns.setLimits(lane.limits(settings.endpointInFlight), for: endpoint, at: time)
        let terms = PreparedDelivery.Terms(
            allowsHTTP: settings.allowsHTTP, timeout: settings.timeout, source: "/tallyd", origin: settings.origin)
        switch PreparedDelivery(load.messages[delivery.id], found, record, terms, now: now) {
        case .dead(let reason):
            settle(delivery, nil, .dead(reason: reason))
            return nil
        case .hold:
            hold(endpoint, delivery, until: Instant(milliseconds: now.milliseconds + 60_000))
            return nil
        case .send(let prepared): return admit(delivery, prepared, record, now)
        }
    }

    private func admit(
        _ delivery: ClaimedDelivery, _ prepared: PreparedDelivery.Prepared, _ record: EndpointRecord, _ now: Instant
    ) -> PreparedDelivery.Prepared? {
        let endpoint = delivery.endpoint
        switch record.health.admission(at: now) {
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

    /// Takes in how an attempt ended.
    func finish(_ delivery: ClaimedDelivery, _ verdict: AttemptVerdict) {
        let endpoint = delivery.endpoint
        let (settings, now) = (parts.settings(), parts.now())
        let jitter = parts.jitter()
        // Where a command has changed the endpoint meanwhile, the attempt says nothing of how it stands now.
        let known = lanes[endpoint]?.record
        var record = known ?? EndpointRecord()
        var changes: [EndpointHealth.Change] = []
        if known != nil {
            changes = record.health.record(verdict.outcome, at: now, policy: settings.health, jitter: jitter)
            lanes[endpoint]?.record = record
        }
        let (settlement, wait) = verdict.settlement(
            of: delivery, settings.retries, isOrdered: record.isOrdered, jitter: parts.jitter(), now: now)
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
            outcomes.append(DeliveryOutcome(delivery, verdict.record, .keep))
            turns.finish(endpoint, again: again, at: time)
            turns.pause(endpoint, until: time + wait, at: time)
        } else {
            settle(delivery, verdict.record, settlement)
        }
        tell(changes, endpoint, record)
        if known != nil, record != lanes[endpoint]?.written { note(endpoint, record, nil) }
    }

    /// Puts down what is to become of a delivery, and lets the next one have its place.
    private func settle(
        _ delivery: ClaimedDelivery, _ attempt: AttemptRecord?, _ settlement: DeliveryOutcome.Settlement
    ) {
        outcomes.append(DeliveryOutcome(delivery, attempt, settlement))
        turns.finish(delivery.endpoint, at: time)
        if case .retry(let at) = settlement {
            lanes[delivery.endpoint]?.queue(at: at)
        }
    }

    /// Gives back what waits for an endpoint, without an attempt.
    private func release(_ endpoint: String, at instant: Instant) {
        for delivery in turns.removeWaiting(of: endpoint) {
            outcomes.append(DeliveryOutcome(delivery, nil, .retry(at: instant)))
            lanes[endpoint]?.queue(at: instant)
        }
    }

    private func hold(_ endpoint: String, _ delivery: ClaimedDelivery, until instant: Instant) {
        settle(delivery, nil, .retry(at: parts.now()))
        release(endpoint, at: parts.now())
        lanes[endpoint]?.heldUntil = instant
        // Read anew then.
        lanes[endpoint]?.record = nil
    }

    private func tell(_ found: [EndpointHealth.Change], _ endpoint: String, _ record: EndpointRecord) {
        for change in found {
            switch change {
            case .disabled(let cause):
                parts.logger.warning(
                    "disabled a webhook endpoint",
                    metadata: [
                        "message_id": "\(MessageID.endpointDisabled)", "endpoint": "\(endpoint)",
                        "cause": "\(cause.rawValue)",
                        "remedy": "see `tallyd webhooks attempts --endpoint`, then `tallyd webhooks enable`",
                    ])
                note(endpoint, record, .disabled(cause))
                if case .disabled(_, _, let probe?) = record.health.standing { release(endpoint, at: probe) }
            case .enabled:
                parts.logger.notice("enabled a webhook endpoint again", metadata: ["endpoint": "\(endpoint)"])
                note(endpoint, record, .enabled)
                let isQueued = lanes[endpoint]?.due != nil
                if isQueued { lanes[endpoint]?.queue(at: parts.now()) }
            case .breakerOpened(let until):
                parts.logger.info(
                    "a webhook endpoint is spared", metadata: ["endpoint": "\(endpoint)", "until": "\(until)"])
            case .breakerClosed:
                parts.logger.info("a webhook endpoint answers again", metadata: ["endpoint": "\(endpoint)"])
            }
        }
    }

    private func note(_ endpoint: String, _ record: EndpointRecord, _ notice: EndpointChange.Notice?) {
        let change = EndpointChange(endpoint, record, notice)
        if notice == nil { changes[endpoint] = change } else { notices.append(change) }
    }

    // MARK: Ending

    /// Gives back all that waits, so that a successor has it at once.
    func releaseAll() {
        let now = parts.now()
        for endpoint in lanes.keys { release(endpoint, at: now) }
    }

    /// For now and then.
    func tidy() {
        turns.forgetIdle(at: time)
        lanes = lanes.filter { endpoint, lane in
            let counts = turns.counts(of: endpoint)
            return lane.due != nil || counts.waiting + counts.inFlight > 0 || lane.heldUntil != nil
                || lane.record?.health != EndpointHealth() || changes[endpoint] != nil
        }
    }

    var counts: (waiting: Int, inFlight: Int, unwritten: Int) { (turns.waiting, turns.inFlight, outcomes.count) }
}
