import Scheduling
import Storage
import Webhooks

/// What the dispatcher keeps in memory of an endpoint.
struct EndpointLane {
    /// As it stands in the database, with what attempts have changed since. Nil: not read yet, or commands have changed it.
    var record: EndpointRecord?
    /// As it was last written, or read.
    var written: EndpointRecord?
    /// Both as they were before `forget`: what it wished for then holds until it is read again.
    private var former: (record: EndpointRecord, written: EndpointRecord?)?
    /// How many attempts may be under way: one at first, doubled by each success up to the limit, and one again after a failure. A thousand endpoints
    /// that hang so take a thousand places, and not a thousand times the limit.
    var window = 1
    /// Whether its url is an https one; as long as nobody knows, it is taken for one.
    var isOverTLS = true
    /// When the first of its queued deliveries is due; nil: none is queued.
    private(set) var due: Instant?
    /// The same, of those alone that were queued since a claim began, which may not have seen them. Nil where no claim is under way.
    private var queuedMeanwhile: Instant?
    private(set) var isBeingClaimed = false
    /// Its url has changed: nothing is claimed for it until then.
    var heldUntil: Instant?
    /// The url for which a receiver of CloudEvents has agreed, by its digest.
    var consentedTo: String?
    /// Starts a second that such a receiver has agreed to.
    var agreedRate: Double?

    /// It is to be read anew.
    mutating func forget() {
        if let record { former = (record, written) }
        record = nil
        written = nil
    }

    /// Whether what it waits for may still have to be heeded: it was read, or its pause was ended, since an attempt was last admitted.
    var isJustRead = false

    /// Takes in what was read. Where that is what was last written, no command has changed this endpoint, and what attempts have told of it since holds on.
    mutating func read(_ found: EndpointRecord?, at now: Instant) {
        var record = found ?? EndpointRecord()
        if let former, former.written == found { record = former.record }
        // What was under way may have landed while nothing was known.
        record.health.resume(at: now)
        self.record = record
        written = found
        isJustRead = true
    }

    /// Whether it kept its order when it was last known.
    var wasOrdered: Bool { (record ?? former?.record)?.isOrdered ?? false }

    /// One of its deliveries is queued, to come due then.
    mutating func queue(at instant: Instant) {
        due = min(due ?? instant, instant)
        queuedMeanwhile = min(queuedMeanwhile ?? instant, instant)
    }

    mutating func beginClaim() {
        isBeingClaimed = true
        queuedMeanwhile = nil
    }

    /// - Parameter next: as the claim found it; what was queued meanwhile may come before.
    mutating func endClaim(next: Instant?) {
        isBeingClaimed = false
        due = [next, queuedMeanwhile].compactMap(\.self).min()
    }

    /// Nothing came of it.
    mutating func breakOffClaim() { isBeingClaimed = false }

    /// When something can be claimed for it.
    var claimableAt: Instant? { due.map { max($0, heldUntil ?? $0) } }

    /// Since its last success there was a failure: it yields to others.
    var isFailing: Bool { record?.health.failingSince != nil }

    mutating func widen(to most: Int) { window = min(max(window * 2, 1), max(most, 1)) }
    mutating func narrow() { window = 1 }

    func limits(_ defaultInFlight: Int) -> Turns<String, ClaimedDelivery>.Limits {
        let known = record ?? former?.record
        let most = known?.maxInFlight ?? defaultInFlight
        let rates = [known?.ratePerSecond, agreedRate].compactMap(\.self)
        return .init(
            inFlight: min(window, most),
            // A second's worth at once: what a pause has saved up.
            rate: rates.min().map { RateLimit(1, per: .seconds(1 / $0), burst: max(1, Int($0))) },
            isOrdered: wasOrdered, yields: isFailing,
            weight: isOverTLS ? AttemptWeight.overTLS : AttemptWeight.overHTTP)
    }
}
