import Scheduling
import Storage
import WebhookClient
import Webhooks

/// What an attempt means for its delivery and its endpoint: a pure value.
struct AttemptVerdict {
    /// Nil where there was none: the process stops.
    private(set) var record: AttemptRecord?
    let outcome: EndpointHealth.Outcome
    /// Why it can't be tried again, whatever the schedule says.
    let finalReason: String?
    /// What the receiver asked for.
    let wait: Duration?

    init(_ sent: SendOutcome, startedAt: Instant, now: Instant, isAddress: Bool) {
        var record = AttemptRecord(startedAt: startedAt, duration: sent.duration)
        var outcome = EndpointHealth.Outcome.failed
        var finalReason: String?
        var wait: Duration?
        switch sent.result {
        case .failure(.cancelled):
            self = .abandoned
            return
        case .failure(let failure):
            record.reason = failure.name
            record.error = "\(failure)"
            if case .addressRefused(let refusal) = failure {
                record.address = refusal.address?.description
                if let remedy = refusal.remedy { record.error = "\(failure); \(remedy)" }
                if isAddress { finalReason = failure.name }
            }
        case .success(let response):
            record.status = response.status
            record.head = response.head
            record.body = response.body
            record.address = response.address.description
            switch ResponseVerdict(status: response.status, retryAfter: response.retryAfter, at: now) {
            case .delivered: outcome = .delivered
            case .failed(let failure):
                record.reason = failure.rawValue
                record.error = "status \(response.status)"
            case .gone:
                (outcome, finalReason) = (.gone, "gone")
                record.reason = "gone"
                record.error = "status 410: the endpoint wants no messages any more"
            case .throttled(let asked):
                (outcome, wait) = (.throttled(wait: asked), asked)
                record.reason = "throttled"
                record.error = "status \(response.status)" + (asked.map { ", retry after \(Self.text($0))" } ?? "")
            }
        }
        self = AttemptVerdict(record: record, outcome: outcome, finalReason: finalReason, wait: wait)
    }

    /// The same of the question whether a receiver takes CloudEvents: no message was sent.
    var ofQuestion: AttemptVerdict {
        var verdict = self
        verdict.record?.error = record?.error.map { "asked by OPTIONS whether it takes CloudEvents: \($0)" }
        return verdict
    }

    /// In whole seconds: what is left until a date has a fraction.
    private static func text(_ wait: Duration) -> String {
        DurationText.format(.seconds(Int64((wait / .seconds(1)).rounded(.up))))
    }

    /// A receiver that did not agree to be sent CloudEvents.
    init(refusedConsent reason: String, _ sent: SendOutcome, startedAt: Instant) {
        var record = AttemptRecord(startedAt: startedAt, duration: sent.duration)
        record.reason = "consent_refused"
        record.error = reason
        if case .success(let response) = sent.result {
            record.status = response.status
            record.head = response.head
            record.address = response.address.description
        }
        self = AttemptVerdict(record: record, outcome: .failed, finalReason: nil, wait: nil)
    }

    /// None was made, or nobody knows what came of it.
    static let abandoned = AttemptVerdict(record: nil, outcome: .abandoned, finalReason: nil, wait: nil)

    private init(record: AttemptRecord?, outcome: EndpointHealth.Outcome, finalReason: String?, wait: Duration?) {
        self.record = record
        self.outcome = outcome
        self.finalReason = finalReason
        self.wait = wait
    }

    /// What becomes of the delivery.
    ///
    /// - Parameter endpoint: as it stands after this attempt. Of one that keeps its order, what failed stays in front of what came after it, and with this
    ///   process. What a receiver has asked to wait for, or is waited for where it asked for nothing, the plan waits for, too; a breaker's wait it does not,
    ///   as another attempt may end that.
    func settlement(
        of delivery: ClaimedDelivery, _ endpoint: EndpointRecord, _ retries: RetrySchedule, jitter: Double, now: Instant
    ) -> (settlement: DeliveryOutcome.Settlement, wait: Duration) {
        guard let record else { return (.retry(at: now), .zero) }
        guard let reason = record.reason else { return (.delivered, .zero) }
        if let finalReason { return (.dead(reason: finalReason), .zero) }
        let delay = retries.delay(afterAttempts: delivery.retry + 1, jitter: jitter, retryAfter: wait)
        guard let delay else { return (.dead(reason: reason), .zero) }
        var next = Instant(milliseconds: now.milliseconds + Int64(delay / .milliseconds(1)))
        if case .throttled = outcome, case .wait(let until) = endpoint.health.admission(at: next) { next = until }
        return (
            endpoint.isOrdered ? .keep : .retry(at: next), .milliseconds(next.milliseconds - now.milliseconds)
        )
    }
}
