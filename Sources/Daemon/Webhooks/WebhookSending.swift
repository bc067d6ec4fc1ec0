import Logging
import Scheduling
import Storage
import WebhookClient
import Webhooks

/// The loop that sends: it takes turns, reads what is to be sent, starts attempts and takes in what came of them.
final class WebhookSending: Sendable {
    struct Parts: Sendable {
        var longestWait: @Sendable () -> Duration
        var now: @Sendable () -> Instant
        var monotonic: @Sendable () -> Duration
        var beat: @Sendable () -> Void
        /// There is something to write, at once or at leisure.
        var wakeWriters: @Sendable () async -> Void
        var complain: @Sendable (any Error) async -> Void
    }

    private let parts: Parts
    private let outbox: Outbox
    private let dispatcher: Dispatcher
    private let client: ClientWhenNeeded
    private let stop: StopFlag
    private let wake: WakeSignal
    private let flights: Flights

    /// Read from one snapshot, and started together.
    private static let startsAtOnce = 32

    init(
        _ parts: Parts, _ outbox: Outbox, _ dispatcher: Dispatcher, _ client: ClientWhenNeeded, stop: StopFlag,
        wake: WakeSignal
    ) {
        self.parts = parts
        self.outbox = outbox
        self.dispatcher = dispatcher
        self.client = client
        self.stop = stop
        self.wake = wake
        flights = Flights { wake.signal() }
    }

    /// Until the stop is raised and nothing is under way any more; what is, is called off then.
    func run() async {
        while !stop.isRaised {
            parts.beat()
            if await takeIn() { continue }
            let taken = await dispatcher.take(Self.startsAtOnce)
            if taken.isEmpty {
                var wait = parts.longestWait()
                if let next = await dispatcher.nextTurn() { wait = min(wait, max(next - parts.monotonic(), .zero)) }
                await wake.wait(for: wait)
            } else {
                await start(taken)
            }
        }
        flights.callOff()
        while true {
            // Looked at first, so that what lands in between is taken in.
            let isAnyUnderWay = flights.isAnyUnderWay
            if await takeIn() { continue }
            guard isAnyUnderWay else { return }
            parts.beat()
            await wake.wait(for: parts.longestWait())
            if Task.isCancelled { await Task.uncancelledPause(for: Self.look) }
        }
    }

    /// Between two looks of a cancelled task for the landings of what it called off.
    private static let look = Duration.milliseconds(2)

    /// False where nothing had landed.
    private func takeIn() async -> Bool {
        let landings = flights.takeLandings()
        guard !landings.isEmpty else { return false }
        await dispatcher.finish(landings)
        await parts.wakeWriters()
        return true
    }

    private func start(_ taken: [ClaimedDelivery]) async {
        let (load, client): (OutboxLoad, WebhookClient)
        do {
            (load, client) = (try await outbox.load(taken), try self.client.get())
        } catch {
            await dispatcher.putBack(taken)
            return await parts.complain(error)
        }
        for delivery in taken {
            guard let prepared = await dispatcher.begin(delivery, load) else { continue }
            let number = flights.begin()
            if let consent = prepared.consent {
                let task = Task { await ask(consent, number, delivery, prepared, client) }
                flights.set(.consent(task), of: number)
            } else {
                send(number, delivery, prepared, startedAt: parts.now(), client)
            }
        }
        await parts.wakeWriters()
    }

    private func send(
        _ number: UInt64, _ delivery: ClaimedDelivery, _ prepared: PreparedDelivery.Prepared, startedAt: Instant,
        _ client: WebhookClient
    ) {
        // Not the request itself, which is to be forgotten once it was sent.
        let isAddress = prepared.isAddress
        let exchange = client.start(prepared.request) { [flights, now = parts.now] sent in
            let verdict = AttemptVerdict(sent, startedAt: startedAt, now: now(), isAddress: isAddress)
            flights.land(number, Flights.Landing(delivery: delivery, verdict: verdict))
        }
        flights.set(exchange.map { .exchange($0) }, of: number)
    }

    // MARK: CloudEvents

    /// Asks the receiver where it has not agreed yet, and sends where it agrees.
    private func ask(
        _ consent: DeliveryConsent, _ number: UInt64, _ delivery: ClaimedDelivery,
        _ prepared: PreparedDelivery.Prepared, _ client: WebhookClient
    ) async {
        let startedAt = parts.now()
        var verdict: AttemptVerdict?
        if await dispatcher.needsConsent(delivery.endpoint) {
            verdict = await answer(to: consent, delivery, prepared, startedAt, client)
        }
        if let verdict {
            flights.land(number, Flights.Landing(delivery: delivery, verdict: verdict))
        } else {
            send(number, delivery, prepared, startedAt: startedAt, client)
        }
    }

    /// Nil when the receiver has agreed.
    private func answer(
        to consent: DeliveryConsent, _ delivery: ClaimedDelivery, _ prepared: PreparedDelivery.Prepared,
        _ startedAt: Instant, _ client: WebhookClient
    ) async -> AttemptVerdict? {
        var request = WebhookRequest(
            url: prepared.request.url, method: .options, headers: consent.requestHeaders,
            deadline: prepared.request.deadline)
        request.headers.append(("user-agent", PreparedDelivery.userAgent))
        let sent = await client.send(request)
        guard case .success(let response) = sent.result, (200...299).contains(response.status) else {
            return AttemptVerdict(sent, startedAt: startedAt, now: parts.now(), isAddress: prepared.isAddress)
                .ofQuestion
        }
        switch consent.answer(allowedOrigin: response.allowedOrigin, allowedRate: response.allowedRate) {
        case .granted(let perMinute):
            await dispatcher.consented(delivery.endpoint, perMinute: perMinute)
            return nil
        case .refused(let refusal):
            return AttemptVerdict(refusedConsent: refusal.rawValue, sent, startedAt: startedAt).ofQuestion
        }
    }
}
